package cli

import (
	"bytes"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"time"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
)

// decodeYAML reads a config file into config. Each error is one line with the
// file, the line and the key.
func decodeYAML(path string, content []byte, config any) (failed error) {
	defer func() {
		if r := recover(); r != nil { // the library does not stand some tags that make no sense
			failed = Usagef("%s: it cannot be read as YAML: %v", path, r)
		}
	}()
	file, err := parser.ParseBytes(content, 0)
	if err == nil && len(file.Docs) > 1 {
		return Usagef("%s:%d: a second document; want one", path, lineOf(file.Docs[1]))
	}
	if err == nil && isEmpty(file) { // decoding it would clear the defaults
		return nil
	}
	if err == nil {
		err = yaml.NewDecoder(bytes.NewReader(content), yaml.Strict(),
			yaml.CustomUnmarshaler(scalar[int]), yaml.CustomUnmarshaler(scalar[time.Duration])).Decode(config)
	}
	if err == nil {
		return nil
	}
	line, text := explainYAML(file, config, err)
	if line == 0 {
		return Usagef("%s: %s", path, text)
	}
	return Usagef("%s:%d: %s", path, line, text)
}

func isEmpty(file *ast.File) bool {
	if len(file.Docs) == 0 {
		return true
	}
	switch file.Docs[0].Body.(type) {
	case nil, *ast.NullNode, *ast.CommentGroupNode:
		return true
	}
	return false
}

// scalar reads a value as a flag would, so that 1.5 is no number of anything.
func scalar[T any](to *T, source []byte) error {
	text := string(source)
	var plain string
	if err := yaml.Unmarshal(source, &plain); err == nil {
		text = plain
	}
	if text == "" || text == "null" || text == "~" {
		return nil // nothing is said
	}
	return assign(reflect.ValueOf(to).Elem(), text)
}

// explainYAML says in which line what is wrong.
func explainYAML(file *ast.File, config any, err error) (line int, text string) {
	if v, ok := errors.AsType[*valueError](err); ok {
		at := find(file, func(n ast.Node) bool { return n.GetToken().Value == v.text || n.String() == v.text })
		return at.line, strings.TrimSpace(at.key + " " + v.Error())
	}
	e, ok := errors.AsType[yaml.Error](err)
	if !ok || e.GetToken() == nil {
		return 0, oneLine(err.Error())
	}
	tk := e.GetToken()
	line = tk.Position.Line
	at := find(file, func(n ast.Node) bool { return n.GetToken().Position.Offset == tk.Position.Offset })
	if _, ok := errors.AsType[*yaml.UnknownFieldError](err); ok {
		known := keys(reflect.TypeOf(config).Elem())
		if strings.Contains(at.key, ".") {
			known = innerKeys(reflect.TypeOf(config).Elem())
		}
		return line, fmt.Sprintf("key %q is not known%s", at.key, didYouMean(tk.Value, known, "; see the keys that --print-config shows"))
	}
	if e, ok := errors.AsType[*yaml.TypeError](err); ok {
		return line, fmt.Sprintf("%s %q; want %s", at.key, tk.Value, wanted(e.DstType))
	}
	if _, ok := errors.AsType[*yaml.UnexpectedNodeTypeError](err); ok {
		return line, strings.TrimSpace(at.key + " " + plainWords.Replace(e.GetMessage()))
	}
	return line, oneLine(e.GetMessage())
}

// plainWords are for people who do not know the terms of YAML.
var plainWords = strings.NewReplacer(
	"sequence", "a list", "mapping", "a list of keys with values", "string", "text",
	"int was used where ", "a number is given where ", " was used where ", " is given where ", " is expected", " is wanted",
)

func wanted(t reflect.Type) string {
	switch t.Kind() {
	case reflect.Bool:
		return "true or false"
	case reflect.String:
		return "text"
	case reflect.Slice:
		return "a list"
	case reflect.Map, reflect.Struct:
		return "keys with values"
	}
	if t == reflect.TypeFor[time.Duration]() {
		return "a duration such as 500ms, 30s or 5m"
	}
	return "a whole number"
}

// place is where something stands in a file.
type place struct {
	line int
	key  string // handlers.digest.exec.timeout
}

// find gives the place of the first node that matches.
func find(file *ast.File, match func(ast.Node) bool) place {
	v := &finder{match: match}
	if file != nil {
		for _, doc := range file.Docs {
			if doc.Body != nil {
				ast.Walk(v, doc.Body)
			}
		}
	}
	return v.found
}

type finder struct {
	match func(ast.Node) bool
	found place
}

// Visit passes over pairs of key and value, which share their tokens with others.
func (f *finder) Visit(node ast.Node) ast.Visitor {
	if _, isPair := node.(*ast.MappingValueNode); !isPair && f.found.line == 0 && f.match(node) {
		key := strings.TrimPrefix(strings.TrimPrefix(node.GetPath(), "$"), ".")
		f.found = place{node.GetToken().Position.Line, key}
	}
	return f
}

func lineOf(doc *ast.DocumentNode) int {
	if doc.Start != nil {
		return doc.Start.Position.Line
	}
	return 1
}
