package jobs

import (
	"slices"
	"strconv"

	"github.com/drayhorse/drayhorse/internal/histogram"
)

// sums are what a turn tells of attempts that it finishes, by kind: how many there were of
// each code that the prelude explains. Most turns have one kind and a few codes.
type sums []sum

type sum struct {
	kind  string
	codes []coded
}

// coded is how often a code was counted.
type coded struct {
	code, n int
}

// The codes, as they count here.
const (
	codeCompleted = iota
	codeFailed
	codeSnoozed
	codeWaited                                  // of the first bucket
	codeRan    = codeWaited + histogram.Buckets // the same
)

// codes is how they are written.
var codes = func() []string {
	all := []string{"c", "f", "s"}
	for _, letter := range []string{"w", "r"} {
		for bucket := range histogram.Buckets {
			all = append(all, letter+strconv.Itoa(bucket))
		}
	}
	return all
}()

// add counts attempts. What finish of the prelude notes is left to it.
func (t sums) add(finishes []Finish) sums {
	for i := range finishes {
		if f := &finishes[i]; f.Kind != "" {
			t = t.addOne(f)
		}
	}
	return t
}

func (t sums) addOne(f *Finish) sums {
	code := -1
	switch f.Outcome {
	case Complete:
		if f.isPlain() {
			code = codeCompleted
		}
	case Fail:
		code = codeFailed
	case Snooze:
		code = codeSnoozed
	case Exhaust, Cancel: // are noted
	case Limit, Release, Divert: // are no attempts
		return t
	}
	i := slices.IndexFunc(t, func(one sum) bool { return one.kind == f.Kind })
	if i < 0 {
		i = len(t)
		t = append(t, sum{f.Kind, make([]coded, 0, 8)})
	}
	if code >= 0 {
		t[i].count(code)
	}
	if f.Waited >= 0 {
		t[i].count(codeWaited + histogram.Bucket(f.Waited))
	}
	if f.Ran >= 0 {
		t[i].count(codeRan + histogram.Bucket(f.Ran))
	}
	return t
}

// count counts a code once more.
func (t *sum) count(code int) {
	for i := range t.codes {
		if t.codes[i].code == code {
			t.codes[i].n++
			return
		}
	}
	t.codes = append(t.codes, coded{code, 1})
}

// size is how many arguments of a turn they are.
func (t sums) size() int {
	n := 0
	for i := range t {
		n += 2 + 2*len(t[i].codes)
	}
	return n
}

// append adds them to the arguments of a turn.
func (t sums) append(args []any) []any {
	for i := range t {
		args = append(args, t[i].kind, len(t[i].codes))
		for _, c := range t[i].codes {
			args = append(args, &codes[c.code], c.n) // a pointer saves a copy
		}
	}
	return args
}

// clone is a copy that shares nothing.
func (t sums) clone() sums {
	all := slices.Clone(t)
	for i := range all {
		all[i].codes = slices.Clone(all[i].codes)
	}
	return all
}

// accepted gives what Redis has not counted of a turn that had finishes refused: the sums of the
// others. Of two claims of one job the older one is refused, whose finish comes first.
func (t *Turn) accepted(refused []string) sums {
	left := map[string]int{}
	for _, id := range refused {
		left[id]++
	}
	var others []Finish
	for _, f := range t.Finishes {
		if left[f.ID] > 0 {
			left[f.ID]--
		} else {
			others = append(others, f)
		}
	}
	return t.before.clone().add(others)
}
