package operate

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"

	"github.com/drayhorse/drayhorse"
	"github.com/drayhorse/drayhorse/admin"
	"github.com/drayhorse/drayhorse/internal/cli/schedule"
	"github.com/drayhorse/drayhorse/scheduler"
)

// change is one thing that is not as a file declares it.
type change struct {
	What string `json:"what"` // such as queue mail
	Of   string `json:"of"`   // such as max_depth
	From string `json:"from,omitempty"`
	To   string `json:"to"`

	fires bool                                                        // it is of a schedule that is to fire
	apply func(ctx context.Context, a *admin.Admin, why string) error // nil: the change before makes this one too
}

func (c *change) String() string {
	if c.From == "" {
		return fmt.Sprintf("%s: %s %s", c.What, c.Of, c.To)
	}
	return fmt.Sprintf("%s: %s %s, was %s", c.What, c.Of, c.To, c.From)
}

// changes gives what is to be done, queues first, for all to be as it is declared. What the file
// does not name stays as it is, but for the schedules of its source.
func (d *declarations) changes(ctx context.Context, a *admin.Admin, s *scheduler.Scheduler) ([]*change, error) {
	all := []*change{}
	for _, name := range slices.Sorted(maps.Keys(d.Queues)) {
		some, err := d.queueChanges(ctx, a, name)
		if err != nil {
			return nil, err
		}
		all = append(all, some...)
	}
	limits, err := d.limitChanges(ctx, a)
	if err != nil {
		return nil, err
	}
	schedules, err := d.scheduleChanges(ctx, s)
	return append(append(all, limits...), schedules...), err
}

func (d *declarations) limitChanges(ctx context.Context, a *admin.Admin) (all []*change, err error) {
	if len(d.Limits) == 0 {
		return nil, nil
	}
	there, err := a.Limits(ctx)
	if err != nil {
		return nil, err
	}
	for i := range d.Limits {
		limit := d.Limits[i].Declared()
		if _, made := d.Queues[limit.Queue]; !made && limit.Queue != "" {
			if _, err := a.Queue(ctx, limit.Queue); err != nil { // a name that was mistyped makes no queue
				return nil, fmt.Errorf("limits[%d]: %w; want one that is there, or that the file makes", i, err)
			}
		}
		c := &change{What: "limit " + limit.Name, Of: "is", To: termsOf(&limit), apply: func(ctx context.Context, a *admin.Admin, why string) error {
			return a.SetLimit(ctx, limit, why)
		}}
		if k := slices.IndexFunc(there, func(l admin.Limit) bool { return l.Name == limit.Name }); k >= 0 {
			if there[k].Operator && termsOf(&there[k].Limit) == c.To {
				continue
			}
			if c.From = termsOf(&there[k].Limit); !there[k].Operator {
				c.From += ", by a worker"
			}
		}
		all = append(all, c)
	}
	return all, nil
}

func (d *declarations) queueChanges(ctx context.Context, a *admin.Admin, name string) (all []*change, err error) {
	want := d.Queues[name]
	there, err := a.Queue(ctx, name)
	partitions, depth := 1, 0
	if want.Partitions != nil {
		partitions = *want.Partitions
	}
	switch {
	case errors.Is(err, drayhorse.ErrNotFound):
		all = append(all, &change{What: "queue " + name, Of: "is created, partitions", To: strconv.Itoa(partitions), apply: func(ctx context.Context, a *admin.Admin, _ string) error {
			_, err := a.CreateQueue(ctx, name, partitions)
			return err
		}})
	case err != nil:
		return nil, err
	case want.Partitions != nil && partitions != there.Partitions:
		return nil, fmt.Errorf("%w: queues.%s.partitions %d; it has %d, which is fixed", drayhorse.ErrInvalid, name, partitions, there.Partitions)
	default:
		depth = there.MaxDepth
	}
	if n := want.MaxDepth; n != nil && *n != depth {
		all = append(all, &change{What: "queue " + name, Of: "max_depth", From: strconv.Itoa(depth), To: strconv.Itoa(*n), apply: func(ctx context.Context, a *admin.Admin, _ string) error {
			return a.SetMaxDepth(ctx, name, *n)
		}})
	}
	return all, nil
}

// scheduleChanges are made together: the source is declared anew.
func (d *declarations) scheduleChanges(ctx context.Context, s *scheduler.Scheduler) (all []*change, err error) {
	if d.Schedules == nil {
		return nil, nil
	}
	found, err := s.Diff(ctx)
	if err != nil {
		return nil, err
	}
	declare := func(ctx context.Context, _ *admin.Admin, _ string) error {
		made, err := s.Declare(ctx)
		if err == nil && slices.ContainsFunc(made, isNothing) {
			return errors.New("another program has declared the same meanwhile")
		}
		return err
	}
	for _, c := range found {
		before, after := schedule.Brief(&c)
		switch {
		case c.What == scheduler.ChangeClash && c.Owner == "":
			return nil, fmt.Errorf("%w: schedule %s was added at run time; want another id, or it removed first", drayhorse.ErrDuplicate, c.ID)
		case c.What == scheduler.ChangeClash:
			return nil, fmt.Errorf("%w: schedule %s belongs to source %s; want another id, or it declared there no more", drayhorse.ErrDuplicate, c.ID, c.Owner)
		case c.What == scheduler.ChangeRemove:
			after = "removed"
		}
		all = append(all, &change{What: "schedule " + c.ID, Of: "is", From: before, To: after, fires: c.After != nil, apply: declare})
		declare = nil
	}
	return all, nil
}

// isNothing reports whether a change of a schedule is one that is not made.
func isNothing(c scheduler.Change) bool {
	return c.What == scheduler.ChangeClash || c.What == scheduler.ChangeOlder
}

// termsOf is a limit in words.
func termsOf(l *drayhorse.Limit) string {
	text := "of all queues"
	if l.Queue != "" {
		text = "of queue " + l.Queue
	}
	if l.Kind != "" {
		text += " kind " + l.Kind
	}
	if l.PerGroup {
		text += ", of each group"
	}
	if l.Concurrency > 0 {
		text += fmt.Sprintf(", %d at once", l.Concurrency)
	}
	if rate := l.Rate.String(); rate != "" {
		text += fmt.Sprintf(", %s in bursts of %d", rate, max(l.Rate.Burst, 1))
	}
	if b := l.Breaker.String(); b != "" {
		text += ", breaker " + b
	}
	return text
}
