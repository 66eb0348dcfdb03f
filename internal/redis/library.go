package redis

import (
	"fmt"
	"io/fs"
	"slices"
)

// Library is the scripts of one package: a file scripts/NAME.lua for each, and
// scripts/prelude.lua for what they share, if there is one. A script's header says
// which keys it may touch and what its arguments are; see Header.
type Library struct {
	files   fs.FS
	columns []string
}

// NewLibrary makes a library. The columns are the names of all keys that its scripts
// may touch.
func NewLibrary(files fs.FS, columns ...string) *Library { return &Library{files, columns} }

// Columns are the names of all keys that the scripts may touch.
func (l *Library) Columns() []string { return slices.Clone(l.columns) }

// Load makes a script of its file. It panics if there is no such file, or if its header
// names a key that is no column: the program is wrong then.
func (l *Library) Load(name string) *Script {
	text := l.Read(name)
	s := NewScript(name, l.assemble(text))
	s.Header = ParseHeader(text)
	for _, key := range s.Header.Keys {
		i := slices.Index(l.columns, key)
		if i < 0 {
			panic(fmt.Sprintf("%s.lua names the key %q; want one of %q", name, key, l.columns))
		}
		s.Columns = append(s.Columns, i)
	}
	return s
}

// Read gives a script's file.
func (l *Library) Read(name string) string {
	text, err := fs.ReadFile(l.files, "scripts/"+name+".lua")
	if err != nil {
		panic(err) // the name is wrong in the program
	}
	return string(text)
}

// Assemble gives the text of a script as Redis gets it.
func (l *Library) Assemble(name string) string { return l.assemble(l.Read(name)) }

func (l *Library) assemble(text string) string {
	prelude, _ := fs.ReadFile(l.files, "scripts/prelude.lua") // there need not be one
	return ParseHeader(text).Assemble(string(prelude), text)
}

// KeysOf gives those of all keys, in the order of the library's columns, that the
// script may touch.
func (s *Script) KeysOf(all []string) []string {
	keys := make([]string, len(s.Columns))
	for i, c := range s.Columns {
		keys[i] = all[c]
	}
	return keys
}
