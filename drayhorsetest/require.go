package drayhorsetest

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/drayhorse/drayhorse"
	"github.com/drayhorse/drayhorse/internal/jobs"
)

const (
	// maxListed is how many jobs RequireEnqueued and RequireNone look through.
	maxListed = 10_000
	// maxShown is how many of them a message shows.
	maxShown = 5
)

// RequireEnqueued ends the test unless exactly one job waits, or runs, that has these
// arguments and options, and gives it. Fields of the arguments that have their zero value
// match anything; so do fields that [drayhorse.Raw] leaves out, and options that are not
// given. In matches a job that was to wait for as long when it was enqueued, At one that
// was to run then. Jobs that have ended do not count: they are in the outcomes of Work.
func RequireEnqueued(tb testing.TB, env *Env, args drayhorse.Args, options ...drayhorse.Option) *drayhorse.Info {
	tb.Helper()
	w, err := newWant(args, options)
	if err != nil {
		tb.Fatalf("drayhorsetest: %v", err)
	}
	ofKind, others := env.waiting(tb, w.kind)
	var found, near []candidate
	for _, j := range ofKind {
		c := candidate{j, w.differences(j)}
		if len(c.differences) == 0 {
			found = append(found, c)
		} else {
			near = append(near, c)
		}
	}
	switch {
	case len(found) == 1:
		return found[0].info
	case len(found) > 1:
		tb.Fatalf("drayhorsetest: %d jobs of kind %q are enqueued as required; want 1\n    want  %s%s", len(found), w.kind, w, listed(found))
	case len(near) > 0:
		slices.SortStableFunc(near, func(a, b candidate) int { return len(a.differences) - len(b.differences) })
		tb.Fatalf("drayhorsetest: no job is enqueued as required\n    want  %s %s\n  of kind %q there are %s, the closest first%s",
			w.kind, w, w.kind, count(len(near), "job"), listed(near))
	default:
		tb.Fatalf("drayhorsetest: no job of kind %q is enqueued\n    want  %s %s\n  %s", w.kind, w.kind, w, env.instead(w.kind, others))
	}
	return nil
}

// RequireNone ends the test if a job of T's kind waits or runs; with options, one that has
// these. Jobs that have ended do not count.
func RequireNone[T drayhorse.Args](tb testing.TB, env *Env, options ...drayhorse.Option) {
	tb.Helper()
	w, err := newWant(zeroOf[T](), options)
	if err != nil {
		tb.Fatalf("drayhorsetest: %v", err)
	}
	ofKind, _ := env.waiting(tb, w.kind)
	var found []candidate
	for _, j := range ofKind {
		if len(w.differences(j)) == 0 {
			found = append(found, candidate{waiting: j})
		}
	}
	if len(found) > 0 {
		tb.Fatalf("drayhorsetest: %s of kind %q %s enqueued; want none%s", count(len(found), "job"), w.kind, is(len(found)), listed(found))
	}
}

// Enqueued gives the jobs of T's kind that wait or run, those that are due first.
func Enqueued[T drayhorse.Args](tb testing.TB, env *Env) []*drayhorse.Info {
	tb.Helper()
	w, err := newWant(zeroOf[T](), nil)
	if err != nil {
		tb.Fatalf("drayhorsetest: %v", err)
	}
	ofKind, _ := env.waiting(tb, w.kind)
	infos := make([]*drayhorse.Info, len(ofKind))
	for i, j := range ofKind {
		infos[i] = j.info
	}
	return infos
}

// waiting is a job that has not ended.
type waiting struct {
	info     *drayhorse.Info
	envelope *jobs.Envelope
}

// waiting gives the jobs of a kind that have not ended, and counts those of others.
func (e *Env) waiting(tb testing.TB, kind string) (ofKind []waiting, others map[string]int) {
	tb.Helper()
	ctx, cancel := e.context()
	defer cancel()
	fatal := func(err error) {
		tb.Helper()
		if err != nil {
			tb.Fatalf("drayhorsetest: look for jobs: %v", err)
		}
	}
	queues, err := e.engine.Queues(ctx)
	fatal(err)
	others = map[string]int{}
	looked := 0
	for _, state := range []drayhorse.State{drayhorse.Running, drayhorse.Available, drayhorse.Retryable, drayhorse.Scheduled} {
		for _, p := range slices.Concat(queues...) {
			for cursor, more := "", true; more; more = cursor != "" {
				var infos []*drayhorse.Info
				infos, cursor, err = p.List(ctx, state, cursor, jobs.MaxPage)
				fatal(err)
				if looked += len(infos); looked > maxListed {
					tb.Fatalf("drayhorsetest: more than %d jobs are enqueued; want fewer to look through", maxListed)
				}
				var ids []string
				for _, info := range infos {
					if info.Kind != kind {
						others[info.Kind]++
						continue
					}
					ids = append(ids, jobs.PackID(info.ID))
					ofKind = append(ofKind, waiting{info: info})
				}
				envelopes, err := p.Envelopes(ctx, ids...)
				fatal(err)
				for i := range envelopes {
					ofKind[len(ofKind)-len(envelopes)+i].envelope = envelopes[i]
				}
			}
		}
	}
	return slices.DeleteFunc(ofKind, func(j waiting) bool { return j.envelope == nil }), others
}

// instead says what there is in place of jobs of a kind.
func (e *Env) instead(kind string, others map[string]int) string {
	var b strings.Builder
	b.WriteString("no job is")
	if len(others) > 0 {
		var all []string
		for _, k := range slices.Sorted(maps.Keys(others)) {
			all = append(all, fmt.Sprintf("%s (%d)", k, others[k]))
		}
		b.Reset()
		b.WriteString("enqueued are: " + shorten(strings.Join(all, ", "), 200))
	}
	var ran []Outcome
	for _, o := range e.ran {
		if o.Job.Kind == kind {
			ran = append(ran, o)
		}
	}
	if len(ran) > 0 {
		b.WriteString("\n  Work has run" + lines(ran[max(len(ran)-maxShown, 0):]))
	}
	return b.String()
}

// candidate is a job that is compared.
type candidate struct {
	waiting
	differences []difference
}

// listed shows jobs, each with how it differs from what is wanted.
func listed(all []candidate) string {
	var b strings.Builder
	for _, c := range all[:min(len(all), maxShown)] {
		fmt.Fprintf(&b, "\n    %s  %s in queue %q  %s", c.info.ID, c.info.State, c.info.Queue, shorten(string(c.info.Args), 200))
		width := 0
		for _, d := range c.differences {
			width = max(width, len(d.path))
		}
		for _, d := range c.differences {
			fmt.Fprintf(&b, "\n        %-*s  want %s, got %s", width, d.path, d.want, d.got)
		}
	}
	if more := len(all) - maxShown; more > 0 {
		fmt.Fprintf(&b, "\n    and %d more", more)
	}
	return b.String()
}
