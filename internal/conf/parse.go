package conf

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"unicode/utf8"

	"go.yaml.in/yaml/v4"
)

// Limits bound what a file may cost, before it is parsed.
type Limits struct {
	// Bytes is how long it may be.
	Bytes int
	// Entries is how many items of lists and keys with values it may have, those
	// that aliases and merges repeat counted each time.
	Entries int
}

// MaxDepth is how deep lists and keys may be nested.
const MaxDepth = 100

// document parses a file of one YAML document; nil for an empty one. The problem
// names the line.
func document(content []byte, limits Limits) (root *yaml.Node, wrong *Problem) {
	defer func() {
		if r := recover(); r != nil { // a slip in a file must not end a server that reads it again
			root, wrong = nil, &Problem{Text: fmt.Sprintf("it cannot be read as YAML: %v", r)}
		}
	}()
	content = bytes.TrimPrefix(content, []byte("\ufeff"))
	if wrong := tooMuch(content, limits); wrong != nil {
		return nil, wrong
	}
	loader, err := yaml.NewLoader(bytes.NewReader(sameVersion(content)), yaml.WithPlugin(nesting{}))
	if err != nil {
		return nil, &Problem{Text: err.Error()}
	}
	var first, second yaml.Node
	if err = loader.Load(&first); errors.Is(err, io.EOF) {
		return nil, nil
	}
	if err == nil {
		if err = loader.Load(&second); errors.Is(err, io.EOF) {
			return first.Content[0], nil
		}
	}
	if err == nil {
		return nil, &Problem{Line: second.Line, Text: "a second document; want one"}
	}
	return nil, explain(content, err)
}

// tooMuch reports a file that would cost too much to parse, or that is no text.
func tooMuch(content []byte, limits Limits) *Problem {
	if len(content) > limits.Bytes {
		return &Problem{Text: fmt.Sprintf("it has %d bytes; want at most %d", len(content), limits.Bytes)}
	}
	if n := entries(content); n > limits.Entries {
		return &Problem{Text: fmt.Sprintf("it has more than %d entries; want fewer, or several files", limits.Entries)}
	}
	if !utf8.Valid(content) {
		line := 1
		for len(content) > 0 {
			r, size := utf8.DecodeRune(content)
			if r == utf8.RuneError && size == 1 {
				break
			}
			if r == '\n' {
				line++
			}
			content = content[size:]
		}
		return &Problem{Line: line, Text: "a byte that is no UTF-8; want a text file in UTF-8"}
	}
	return nil
}

// entries counts what may begin an item of a list or a key with its value, or an
// anchor, alias or tag: never fewer than the parser makes of it, and more where texts
// have such characters.
func entries(content []byte) int {
	n := 0
	for i, c := range content {
		switch c {
		case ',', '[', '{', '&', '*', '!':
			n++
		case ':', '-', '?':
			before, after := byte('\n'), byte('\n')
			if i > 0 {
				before = content[i-1]
			}
			if i+1 < len(content) {
				after = content[i+1]
			}
			if bytes.IndexByte([]byte(" \t\r\n,[]{}"), after) >= 0 || c == ':' && bytes.IndexByte([]byte("\"']}"), before) >= 0 {
				n++
			}
		}
	}
	return n
}

// sameVersion makes comments of the directives that name a version of YAML 1: the
// parser knows that of 1.1 alone, and reads 1.2 as well.
func sameVersion(content []byte) []byte {
	copied := false
	for at := 0; at < len(content); {
		line, _, _ := bytes.Cut(content[at:], []byte("\n"))
		switch text := bytes.TrimSpace(line); {
		case bytes.HasPrefix(line, []byte("%YAML 1.")):
			if !copied {
				content, copied = bytes.Clone(content), true
			}
			content[at] = '#'
		case len(text) > 0 && text[0] != '#' && line[0] != '%': // directives end here
			return content
		}
		at += len(line) + 1
	}
	return content
}

// nesting bounds the depth of a document while it is parsed.
type nesting struct{}

var errTooDeep = fmt.Errorf("lists and keys are nested more than %d deep", MaxDepth)

// CheckDepth is yaml.LoaderLimitsPlugin.
func (nesting) CheckDepth(depth int, _ *yaml.DepthContext) error {
	if depth > MaxDepth {
		return errTooDeep
	}
	return nil
}

// CheckAlias is yaml.LoaderLimitsPlugin. Aliases are counted when they are followed.
func (nesting) CheckAlias(int, int) error { return nil }
