package chaos

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/drayhorse/drayhorse"
)

// work is what the jobs of all kinds carry.
type work struct {
	Key    string `json:"key"`
	Millis int    `json:"millis,omitempty"` // how long it takes, or waits
	Fails  int    `json:"fails,omitempty"`  // how many attempts fail
	Pad    string `json:"pad,omitempty"`    // makes it larger
}

// kind is one sort of job in the mix: how it is made, what its handler does, and in
// which states it may end.
type kind struct {
	name   string
	weight int
	ends   []drayhorse.State
	make   func(r *rand.Rand, w *work) []drayhorse.Option
	run    func(ctx context.Context, h *hands, w *work, attempt int) error
}

var (
	completes = []drayhorse.State{drayhorse.Completed}
	cancels   = []drayhorse.State{drayhorse.Cancelled}
	discards  = []drayhorse.State{drayhorse.Discarded}
)

// mix is the traffic of most rows.
var mix = []kind{
	{"fast", 40, completes, plain, instant},
	{"slow", 10, completes, lasting(100, 800), lasts},
	{"failing", 10, completes, fails, failsAtFirst},
	{"doomed", 3, discards, doomed, failsAtFirst},
	{"panicking", 5, completes, fails, panicsAtFirst},
	{"snoozing", 5, completes, lasting(100, 500), snoozes},
	{"cancelling", 5, []drayhorse.State{drayhorse.Cancelled, drayhorse.Completed}, lasting(500, 1500), lasts},
	{"quitting", 2, cancels, plain, quits},
	{"named", 10, completes, named, instant},
	{"delayed", 10, completes, delayed, instant},
}

// special kinds are part of rows of their own.
var special = []kind{
	{"tick", 0, completes, plain, instant},
	{"hold", 0, completes, plain, lasts}, // its row says for how long
	{"stuck", 0, completes, plain, ignores},
	{"panic", 0, discards, thrice, panics},
	{"exit", 0, discards, plain, exits},
	{"suicide", 0, discards, plain, killsItself},
	{"hog", 0, discards, plain, hogs},
	{"loop", 0, discards, plain, loops},
	{"refusing", 0, completes, plain, failsDuringOutage},
	{"later", 0, completes, plain, instant},
	{"bulky", 0, completes, bulky, instant},
	{"calling-one", 0, completes, briefly, callsStub("one")},
	{"calling-five", 0, completes, briefly, callsStub("five")},
	{"calling-rated", 0, completes, briefly, callsStub("rated")},
	{"calling-service", 0, completes, briefly, callsStub("service")},
}

// failing are the kinds whose handlers fail on purpose: no other may lose an attempt.
var failing = map[string]bool{"failing": true, "doomed": true, "panicking": true, "panic": true, "refusing": true, "calling-service": true}

func kinds() []kind { return slices.Concat(mix, special) }

// kindOf gives a kind by its name.
func kindOf(name string) (kind, bool) {
	all := kinds()
	i := slices.IndexFunc(all, func(k kind) bool { return k.name == name })
	if i < 0 {
		return kind{}, false
	}
	return all[i], true
}

// order is one job that a producer is to enqueue.
type order struct {
	kind    string
	work    work
	options []drayhorse.Option
	queue   string
}

// keep is how long ended jobs are kept: until the auditor has seen them.
const keep = 24 * time.Hour

// orders makes the same n jobs for the same seed and prefix. Only limits the mix to
// one kind; "" does not.
func orders(seed uint64, prefix, only string, n int) []order {
	r := rand.New(rand.NewPCG(seed, 1))
	list := make([]order, n)
	for i := range list {
		k := pick(r, only)
		w := work{Key: fmt.Sprintf("%s-%05d", prefix, i)}
		options := append(k.make(r, &w), drayhorse.Retain(keep))
		list[i] = order{kind: k.name, work: w, options: options}
	}
	return list
}

func pick(r *rand.Rand, only string) kind {
	if k, ok := kindOf(only); ok {
		return k
	}
	sum := 0
	for _, k := range mix {
		sum += k.weight
	}
	at := r.IntN(sum)
	for _, k := range mix {
		if at -= k.weight; at < 0 {
			return k
		}
	}
	panic("weights do not add up")
}

// How jobs are made.

func plain(*rand.Rand, *work) []drayhorse.Option { return nil }

func lasting(least, most int) func(*rand.Rand, *work) []drayhorse.Option {
	return func(r *rand.Rand, w *work) []drayhorse.Option {
		w.Millis = least + r.IntN(most-least)
		return nil
	}
}

func fails(r *rand.Rand, w *work) []drayhorse.Option {
	w.Fails = 1 + r.IntN(2)
	return []drayhorse.Option{drayhorse.MaxAttempts(4)}
}

func doomed(_ *rand.Rand, w *work) []drayhorse.Option {
	w.Fails = 2
	return []drayhorse.Option{drayhorse.MaxAttempts(2)}
}

func thrice(*rand.Rand, *work) []drayhorse.Option {
	return []drayhorse.Option{drayhorse.MaxAttempts(3)}
}

// bulky jobs carry 20 kB.
func bulky(_ *rand.Rand, w *work) []drayhorse.Option {
	w.Pad = strings.Repeat("x", 20_000)
	return nil
}

func named(_ *rand.Rand, w *work) []drayhorse.Option {
	return []drayhorse.Option{drayhorse.ID(w.Key)}
}

func delayed(r *rand.Rand, _ *work) []drayhorse.Option {
	return []drayhorse.Option{drayhorse.In(time.Duration(200+r.IntN(2000)) * time.Millisecond)}
}

// What handlers do.

// hands are what a handler can reach of its process.
type hands struct {
	dir string // of the history
}

// once is true for the first process that asks for a name.
func (h *hands) once(name string) bool {
	file, err := os.OpenFile(filepath.Join(h.dir, name), os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return false
	}
	return file.Close() == nil
}

func (h *hands) exists(name string) bool {
	_, err := os.Stat(filepath.Join(h.dir, name))
	return err == nil
}

func instant(context.Context, *hands, *work, int) error { return nil }

func lasts(ctx context.Context, _ *hands, w *work, _ int) error {
	select {
	case <-time.After(time.Duration(w.Millis) * time.Millisecond):
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

func failsAtFirst(_ context.Context, _ *hands, w *work, attempt int) error {
	if attempt <= w.Fails {
		return fmt.Errorf("attempt %d of %d that fail", attempt, w.Fails)
	}
	return nil
}

func panicsAtFirst(_ context.Context, _ *hands, w *work, attempt int) error {
	if attempt <= w.Fails {
		panic("on purpose")
	}
	return nil
}

// snoozes until it has done so once. It looks at no clock.
func snoozes(_ context.Context, h *hands, w *work, _ int) error {
	if h.once("snoozed-" + w.Key) {
		return drayhorse.Snooze(time.Duration(w.Millis) * time.Millisecond)
	}
	return nil
}

func quits(context.Context, *hands, *work, int) error {
	return drayhorse.Cancel(errors.New("not wanted any more"))
}

// ignores its context until it is done.
func ignores(_ context.Context, _ *hands, w *work, _ int) error {
	time.Sleep(time.Duration(w.Millis) * time.Millisecond)
	return nil
}
