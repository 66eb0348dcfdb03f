package redis

import (
	"fmt"
	"io/fs"
	"slices"
	"strings"
)

// Library is the scripts of one package: a file scripts/NAME.lua for each, and the prelude,
// which is what they share: scripts/prelude.lua, or where that is much the files of
// scripts/prelude, in the order of their names. A script's header says which keys it may touch
// and what its arguments are; see Header.
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

// Prelude gives what the scripts share; empty: nothing.
func (l *Library) Prelude() string {
	var all strings.Builder
	parts, _ := fs.Glob(l.files, "scripts/prelude/*.lua") // the pattern is well-formed
	for _, path := range append([]string{"scripts/prelude.lua"}, parts...) {
		text, _ := fs.ReadFile(l.files, path) // the first one need not be there
		if all.Len() > 0 {
			all.WriteString("\n")
		}
		all.Write(text)
	}
	return all.String()
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
	return ParseHeader(text).Assemble(l.Prelude(), text)
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
