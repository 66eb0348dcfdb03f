package dashboard

import (
	"encoding/json"
	"strings"
	"testing"
	"time"
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

// TestRatesAreWhatHappenedBetweenReadings, spread evenly, and unknown where nobody looked.
func TestRatesAreWhatHappenedBetweenReadings(t *testing.T) {
	t.Parallel()
	now := time.UnixMilli(1_800_000_000_000)
	h := &history{}
	h.add(point{at: now.Add(-100 * time.Second)})
	h.add(point{at: now.Add(-60 * time.Second), enqueued: 400, ended: 200})
	h.add(point{at: now, enqueued: 400, ended: 320, fails: 6})
	r := h.rates(now)
	if r.NowIn != 0 || r.NowOut != 2 || r.NowFails != 0.1 {
		t.Errorf("now %v in, %v out, %v fails; want 0, 2, 0.1", r.NowIn, r.NowOut, r.NowFails)
	}
	if first := r.in[steps-10]; first != 10 || r.in[steps-11] != -1 || r.in[steps-1] != 0 {
		t.Errorf("in %v", r.in)
	}
	h.add(point{at: now.Add(time.Second), enqueued: 1}) // the queue was made anew
	if r := h.rates(now.Add(time.Second)); r.NowIn != -1 {
		t.Errorf("after a fall of the totals: %v", r.NowIn)
	}
	for i := range 5000 {
		h.add(point{at: now.Add(time.Duration(i) * time.Second), enqueued: int64(i)})
	}
	if n := len(h.points); n > int(span/time.Second)+2 {
		t.Errorf("%d points are kept", n)
	}
}
