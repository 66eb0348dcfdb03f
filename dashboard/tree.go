package dashboard

import (
	"bytes"
	"encoding/json"
	"strings"

	"github.com/drayhorse/drayhorse/internal/printable"
)

// Limits of a tree.
const (
	maxShown = 64 << 10 // bytes of its keys and values
	maxNodes = 2000
	maxDepth = 60
)

// node is a value of JSON with those below it. Numbers are texts: they show as they were
// written, however long.
type node struct {
	Key      string // of an object's member
	Keyed    bool
	Type     string // object, array, string, number, literal
	Text     string // of a value
	Children []*node
	Open     bool // show what is below it
}

// document is JSON as a page shows it.
type document struct {
	Root  *node
	Text  string // instead of Root, of what is no JSON
	Bytes int    // in all
	Cut   bool   // not all of it is shown
}

// treeOf reads JSON as far as the limits of a tree go. nil: there is none.
func treeOf(raw json.RawMessage) *document {
	if len(raw) == 0 {
		return nil
	}
	t := &tree{decoder: json.NewDecoder(bytes.NewReader(raw))}
	t.decoder.UseNumber()
	d := &document{Bytes: len(raw)}
	root, err := t.value(0)
	if err != nil || root == nil {
		d.Text = cut(string(raw), maxShown)
		d.Cut = len(d.Text) < len(raw)
		return d
	}
	d.Root, d.Cut = root, t.full
	return d
}

type tree struct {
	decoder *json.Decoder
	shown   int
	nodes   int
	full    bool // a limit is reached
}

// take counts what a node shows, and shortens it.
func (t *tree) take(text string) string {
	short := cut(text, maxShown-t.shown)
	t.shown += len(short)
	t.full = t.full || len(short) < len(text) || t.shown >= maxShown
	return short
}

// value reads one value; nil if the limits are reached.
func (t *tree) value(depth int) (*node, error) {
	if t.nodes++; t.nodes > maxNodes || depth > maxDepth {
		t.full = true
	}
	if t.full {
		return nil, nil
	}
	token, err := t.decoder.Token()
	if err != nil {
		return nil, err
	}
	switch v := token.(type) {
	case json.Delim:
		n := &node{Type: map[json.Delim]string{'{': "object", '[': "array"}[v], Open: depth < 3}
		return n, t.children(n, depth)
	case string:
		return &node{Type: "string", Text: t.take(v)}, nil
	case json.Number:
		return &node{Type: "number", Text: t.take(v.String())}, nil
	case bool:
		return &node{Type: "literal", Text: map[bool]string{true: "true", false: "false"}[v]}, nil
	}
	return &node{Type: "literal", Text: "null"}, nil
}

func (t *tree) children(n *node, depth int) error {
	for t.decoder.More() && !t.full {
		key := ""
		if n.Type == "object" {
			token, err := t.decoder.Token()
			if err != nil {
				return err
			}
			text, _ := token.(string)
			key = t.take(text)
		}
		child, err := t.value(depth + 1)
		if err != nil {
			return err
		}
		if child == nil {
			return nil
		}
		child.Key, child.Keyed = key, n.Type == "object"
		n.Children = append(n.Children, child)
	}
	if t.full {
		return nil
	}
	_, err := t.decoder.Token() // the bracket at the end
	return err
}

// cut shortens a text to so many bytes, between characters.
func cut(text string, most int) string {
	if len(text) <= most {
		return text
	}
	return strings.ToValidUTF8(printable.Head(text, max(most, 0)), "\uFFFD")
}
