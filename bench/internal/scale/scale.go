// Package scale measures how Drayhorse's costs grow: with the backlog, the number of
// workers, handlers and queues, the size of arguments and the distance of Redis.
package scale

import (
	"context"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/drayhorse/drayhorse/bench/internal/report"
)

// Plan is what is to be measured.
type Plan struct {
	Curves   []string
	Size     float64 // share of the full number of jobs: 1 for the report
	Repeats  int
	Progress io.Writer
}

// lab is a plan under way.
type lab struct {
	Plan
	out report.Curves
}

// curves are all of them, in the order of the report.
var curves = []struct {
	name  string
	about string
	take  func(ctx context.Context, l *lab) error
}{
	{"backlog", "drain rate, enqueue and memory at 10k to 10M waiting jobs", backlog},
	{"processes", "rate and CPU with 1 to 64 worker processes", processes},
	{"concurrency", "drain rate with 1 to 5,000 handlers", concurrency},
	{"queues", "drain rate and idle commands with 1 to 10,000 queues", queues},
	{"args", "rates with arguments of 10 B to 1 MB", argSizes},
	{"distance", "rates with a round trip of 0 to 10 ms", distance},
	{"due", "a million scheduled jobs that fall due at once", due},
	{"retained", "drain rate beside a million retained results", retained},
	{"cluster", "a queue over 1, 2 and 3 masters", cluster},
	{"idle", "what 100 idle workers of three queues cost", idle},
}

// curveTime is how long one curve may take.
const curveTime = 6 * time.Minute

// Names of all curves.
func Names() []string {
	names := make([]string, len(curves))
	for i, c := range curves {
		names[i] = c.name
	}
	return names
}

// Choose takes a list of names with commas between them, or "all".
func Choose(list string) []string {
	if list == "all" {
		return Names()
	}
	return strings.Split(list, ",")
}

// Run measures the curves of a plan. What fails is named in the outcome.
func Run(ctx context.Context, plan Plan) (*report.Curves, error) {
	l := &lab{Plan: plan, out: report.Curves{Failed: map[string]string{}}}
	for _, name := range plan.Curves {
		found := false
		for _, c := range curves {
			if c.name != name {
				continue
			}
			found = true
			l.say("%s: %s", c.name, c.about)
			limited, cancel := context.WithTimeout(ctx, curveTime)
			err := c.take(limited, l)
			cancel()
			if err != nil {
				l.out.Failed[name], _, _ = strings.Cut(err.Error(), "\n")
				l.say("  failed: %s", l.out.Failed[name])
			}
			if ctx.Err() != nil {
				return &l.out, ctx.Err()
			}
		}
		if !found {
			return nil, fmt.Errorf("unknown curve %q; want some of %s", name, strings.Join(Names(), ", "))
		}
	}
	return &l.out, nil
}

func (l *lab) say(format string, args ...any) { _, _ = fmt.Fprintf(l.Progress, format+"\n", args...) }

// jobs is a number of jobs at the plan's size.
func (l *lab) jobs(full int) int { return max(int(float64(full)*l.Size), 100) }

// curve starts a curve of the outcome.
func (l *lab) curve(c report.Curve) *report.Curve {
	l.out.Curves = append(l.out.Curves, c)
	return &l.out.Curves[len(l.out.Curves)-1]
}
