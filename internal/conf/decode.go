package conf

import (
	"encoding"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v4"

	"github.com/drayhorse/drayhorse"
)

// Decode reads a YAML file into what to points to, a struct with yaml tags that holds
// the defaults. Keys at the top that begin with x- are
// for anchors alone. The error is a *Problems with all that is wrong; name is what it
// calls the file.
//
// A value that is empty or null says nothing: the default stays. Keys of text are
// taken as they stand. A merge, <<, gives keys that the mapping does not have itself.
func Decode(name string, content []byte, limits Limits, to any) (Lines, error) {
	lines := Lines{File: name, at: map[string]int{}}
	root, wrong := document(content, limits)
	if wrong != nil {
		return lines, &Problems{name, []*Problem{wrong}}
	}
	if root == nil {
		return lines, nil
	}
	d := &decoder{left: limits.Entries, text: 2 * limits.Bytes, limits: limits, open: map[*yaml.Node]bool{}, lines: lines.at}
	d.value(root, reflect.ValueOf(to).Elem(), nil)
	if len(d.wrong) == 0 {
		return lines, nil
	}
	slices.SortStableFunc(d.wrong, func(a, b *Problem) int { return a.Line - b.Line })
	return lines, &Problems{name, d.wrong}
}

// Lines tells where the values of a file stand.
type Lines struct {
	File string
	at   map[string]int
}

// At gives the line of a key, or of the nearest one above it; 0 for none.
func (l Lines) At(key string) int {
	for key != "" {
		if line, ok := l.at[key]; ok {
			return line
		}
		key = key[:max(strings.LastIndexAny(key, ".["), 0)]
	}
	return 0
}

// decoder fills Go values from the nodes of a file, and goes on after mistakes.
type decoder struct {
	left   int // entries that it may still visit
	text   int // bytes of text that it may still visit: escapes are shorter in the file
	limits Limits
	open   map[*yaml.Node]bool
	lines  map[string]int
	wrong  []*Problem
}

func (d *decoder) fail(n *yaml.Node, key *path, text string) {
	if key == nil && strings.HasPrefix(text, "is ") {
		text = "the file " + text
	}
	d.wrong = append(d.wrong, &Problem{n.Line, key.String(), text})
}

// enter follows an alias, and counts. Leave must be called if the node is not nil.
func (d *decoder) enter(n *yaml.Node, key *path) *yaml.Node {
	if n.Kind == yaml.AliasNode {
		n = n.Alias
	}
	if !d.count(n, key) {
		return nil
	}
	if d.open[n] {
		d.fail(n, key, "is an alias of what it stands in; want another one")
		return nil
	}
	if len(d.open) > MaxDepth {
		d.fail(n, key, "aliases make "+errTooDeep.Error()+"; want fewer levels")
		return nil
	}
	d.open[n] = true
	return n
}

// count reports whether there is room for a node, and says once that there is none.
func (d *decoder) count(n *yaml.Node, key *path) bool {
	if d.left < 0 || d.text < 0 {
		return false
	}
	d.left--
	d.text -= len(n.Value)
	if d.left < 0 || d.text < 0 {
		d.fail(n, key, fmt.Sprintf("aliases make more than %d entries of the file, or %d bytes; want fewer", d.limits.Entries, 2*d.limits.Bytes))
		return false
	}
	return true
}

func (d *decoder) leave(n *yaml.Node) { delete(d.open, n) }

// note remembers where a value stands.
func (d *decoder) note(n *yaml.Node, key *path) {
	if key != nil && key.size <= maxKey {
		d.lines[key.String()] = n.Line
	}
}

// value fills v.
func (d *decoder) value(n *yaml.Node, v reflect.Value, key *path) {
	if n = d.enter(n, key); n == nil {
		return
	}
	defer d.leave(n)
	d.note(n, key)
	if isNull(n) {
		return
	}
	d.fill(n, v, key)
}

func (d *decoder) fill(n *yaml.Node, v reflect.Value, key *path) {
	if v.Kind() == reflect.Pointer {
		to := reflect.New(v.Type().Elem())
		d.fill(n, to.Elem(), key)
		v.Set(to)
		return
	}
	if to, ok := v.Addr().Interface().(*JSON); ok {
		*to = d.jsonOf(nil, n, key)
		return
	}
	_, isText := v.Addr().Interface().(encoding.TextUnmarshaler)
	kind := v.Kind()
	switch {
	case isText || kind != reflect.Struct && kind != reflect.Map && kind != reflect.Slice:
		d.scalar(n, v, key)
	case kind == reflect.Slice:
		d.list(n, v, key)
	case n.Kind != yaml.MappingNode:
		d.fail(n, key, show(n)+"; want "+wanted(v.Type()))
	case kind == reflect.Map:
		d.dictionary(n, v, key)
	default:
		d.structure(n, v, key)
	}
}

// scalar reads a value as a flag would, so that 1.5 is no whole number.
func (d *decoder) scalar(n *yaml.Node, v reflect.Value, key *path) {
	if n.Kind != yaml.ScalarNode {
		d.fail(n, key, show(n)+"; want "+wanted(v.Type()))
		return
	}
	if err := Assign(v, n.Value); err != nil {
		text := err.Error()
		if _, ok := errors.AsType[*ValueError](err); !ok {
			text = ": " + strings.TrimPrefix(text, drayhorse.ErrInvalid.Error()+": ")
		}
		d.fail(n, key, text)
	}
}

func (d *decoder) list(n *yaml.Node, v reflect.Value, key *path) {
	if n.Kind != yaml.SequenceNode {
		d.fail(n, key, show(n)+"; want a list")
		return
	}
	all := reflect.MakeSlice(v.Type(), len(n.Content), len(n.Content))
	for i, item := range n.Content {
		d.item(item, all.Index(i), key.item(i))
	}
	v.Set(all)
}

// item fills an item of a list. One of text may be null, as it stands.
func (d *decoder) item(n *yaml.Node, v reflect.Value, key *path) {
	switch {
	case !isNull(n):
		d.value(n, v, key)
	case n.Value == "":
		d.fail(n, key, `is empty; want a value, or "" for empty text`)
	case v.Kind() == reflect.String:
		v.SetString(n.Value)
	default:
		d.fail(n, key, show(n)+"; want "+wanted(v.Type()))
	}
}

func (d *decoder) dictionary(n *yaml.Node, v reflect.Value, key *path) {
	all := reflect.MakeMap(v.Type())
	for _, p := range d.pairs(n, key) {
		to := reflect.New(v.Type().Elem()).Elem()
		if isNull(p.value) && to.Kind() == reflect.String {
			to.SetString(p.value.Value)
		} else {
			d.value(p.value, to, key.to(p.key))
		}
		all.SetMapIndex(reflect.ValueOf(p.key), to)
	}
	v.Set(all)
}

func (d *decoder) structure(n *yaml.Node, v reflect.Value, key *path) {
	fields := map[string]reflect.Value{}
	collect(v, fields)
	for _, p := range d.pairs(n, key) {
		field, ok := fields[p.key]
		switch {
		case ok:
			d.value(p.value, field, key.to(p.key))
		case key == nil && strings.HasPrefix(p.key, "x-"): // for anchors
		default:
			var known []string
			for name := range fields {
				known = append(known, name)
			}
			slices.Sort(known)
			want := "; want one of " + strings.Join(known, ", ")
			if key == nil {
				want = "; see the keys that --print-config shows"
			}
			d.wrong = append(d.wrong, &Problem{p.at.Line, "", fmt.Sprintf("key %q is not known%s", key.to(p.key).String(), DidYouMean(p.key, known, want))})
		}
	}
}

// collect gives the fields of a struct by their keys, those of embedded structs
// included.
func collect(v reflect.Value, fields map[string]reflect.Value) {
	for i := range v.NumField() {
		name, _, _ := strings.Cut(v.Type().Field(i).Tag.Get("yaml"), ",")
		switch {
		case v.Type().Field(i).Anonymous:
			collect(v.Field(i), fields)
		case name != "" && name != "-":
			fields[name] = v.Field(i)
		}
	}
}

// show shows a value that is not what was wanted.
func show(n *yaml.Node) string {
	switch n.Kind {
	case yaml.SequenceNode:
		return "is a list"
	case yaml.MappingNode:
		return "has keys with values"
	}
	return strconv.Quote(clip(n.Value))
}

// isNull reports whether a node says nothing: it is empty, ~ or null.
func isNull(n *yaml.Node) bool {
	return n.Kind == yaml.ScalarNode && n.ShortTag() == "!!null"
}
