package dashboard

import (
	"encoding/json"
	"strings"
	"testing"
)

// leaves gives the values of a tree in order.
func leaves(n *node) (all []string) {
	if n == nil {
		return nil
	}
	if len(n.Children) == 0 && n.Type != "object" && n.Type != "array" {
		return []string{n.Text}
	}
	for _, c := range n.Children {
		all = append(all, leaves(c)...)
	}
	return all
}

func TestNumbersShowAsTheyWereWritten(t *testing.T) {
	t.Parallel()
	const text = `{"a":9223372036854775807,"b":[18446744073709551616,1e400,-0.10,1.0],"a":"twice","n":null,"t":true,"e":{},"l":[]}`
	d := treeOf(json.RawMessage(text))
	if got := strings.Join(leaves(d.Root), " "); got != "9223372036854775807 18446744073709551616 1e400 -0.10 1.0 twice null true" {
		t.Errorf("got %s", got)
	}
	if d.Cut || d.Bytes != len(text) {
		t.Errorf("%+v", d)
	}
}

func TestTreesHaveLimits(t *testing.T) {
	t.Parallel()
	long := treeOf(json.RawMessage(`{"a":"` + strings.Repeat("ü", 1<<20) + `","b":1}`))
	if n := len(leaves(long.Root)[0]); !long.Cut || n > maxShown || n < maxShown-10 {
		t.Errorf("a long text: %d bytes, cut %v", n, long.Cut)
	}
	many := treeOf(json.RawMessage("[" + strings.Repeat("1,", 500_000) + "1]"))
	if n := len(leaves(many.Root)); !many.Cut || n > maxNodes {
		t.Errorf("many values: %d, cut %v", n, many.Cut)
	}
	deep := treeOf(json.RawMessage(strings.Repeat("[", 9000) + strings.Repeat("]", 9000)))
	if !deep.Cut {
		t.Error("a deep one is not cut")
	}
	for _, text := range []string{`{"a":`, `nonsense`, "\xff"} {
		if d := treeOf(json.RawMessage(text)); d.Root != nil || d.Text == "" {
			t.Errorf("%q: %+v; want the text", text, d)
		}
	}
	if treeOf(nil) != nil {
		t.Error("nothing has a tree")
	}
}

func FuzzTree(f *testing.F) {
	for _, text := range []string{`{"a":[1,"b",null,{"c":1e9}]}`, `[[[]]]`, `"\ud800"`, `{"a":1,"a":2}`, `1`, `{`, "\x00"} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		d := treeOf(text)
		if d == nil {
			return
		}
		shown := len(d.Text)
		for _, leaf := range leaves(d.Root) {
			shown += len(leaf)
		}
		if shown > maxShown+maxNodes*5 { // true, false and null are not counted
			t.Errorf("%d bytes are shown", shown)
		}
	})
}
