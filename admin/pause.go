package admin

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"github.com/drayhorse/drayhorse"
	"github.com/drayhorse/drayhorse/internal/events"
	"github.com/drayhorse/drayhorse/internal/jobs"
	"github.com/drayhorse/drayhorse/internal/logs"
)

// Target is what Pause and Resume are about.
type Target struct {
	Queue string
	Kind  string // of its jobs; empty: all
	Group string // of its jobs; empty: all
}

// Paused is a pause as its queue has it.
type Paused struct {
	Kind  string    `json:"kind,omitempty"`  // empty: all of the queue, or of the group
	Group string    `json:"group,omitempty"` // empty: of whatever group
	At    time.Time `json:"at,omitzero"`     // by Redis's clock; zero: not known
	By    string    `json:"by,omitempty"`    // who paused: the Actor of Config; empty: not known
	Why   string    `json:"why,omitempty"`
	Held  int       `json:"held,omitzero"` // jobs that were met in line and set aside for it
}

// Pause stops claims from a queue, or of one kind or one group of its jobs, or of one kind in a
// group, until Resume: at once, also of what is queued already. Jobs that run go on; those that wait
// keep their order and lose no attempt, and others pass them. why is on record, at most 1 KiB. To
// pause again changes the reason. At most 100 kinds and groups of a queue are paused. The error is drayhorse.ErrNotFound,
// ErrInvalid, ErrQueueInvalid or ErrUnavailable; after the last, a part of the partitions may be
// paused.
func (a *Admin) Pause(ctx context.Context, target Target, why string) error {
	return a.switchTarget(ctx, "paused", target, why, func(p *jobs.Partition) error {
		return p.Pause(ctx, jobs.Pause{Kind: target.Kind, Group: target.Group, By: a.actor, Why: why})
	})
}

// Resume lets claims go on that Pause has stopped, of the same target: kinds and groups that are
// paused themselves stay so when their queue goes on. To resume what is not paused is harmless. The
// errors are those of Pause.
func (a *Admin) Resume(ctx context.Context, target Target, why string) error {
	return a.switchTarget(ctx, "resumed", target, why, func(p *jobs.Partition) error {
		return p.Resume(ctx, jobs.Pause{Kind: target.Kind, Group: target.Group})
	})
}

func (a *Admin) switchTarget(ctx context.Context, done string, target Target, why string, act func(*jobs.Partition) error) error {
	if target.Kind != "" {
		if err := drayhorse.ValidateKind(target.Kind); err != nil {
			return err
		}
	}
	if target.Group != "" {
		if err := drayhorse.ValidateGroup(target.Group); err != nil {
			return err
		}
	}
	if err := validateWhy(why); err != nil {
		return err
	}
	partitions, err := a.queue(ctx, target.Queue)
	if err != nil {
		return err
	}
	for _, p := range partitions {
		if err := act(p); err != nil {
			return err
		}
	}
	what, about := "queue", []any{slog.String(logs.Queue, target.Queue)}
	if target.Group != "" {
		what, about = "group", append(about, slog.String("group", target.Group))
	}
	if target.Kind != "" {
		what, about = "kind", append(about, slog.String(logs.Kind, target.Kind))
	}
	a.did(what+" "+done, events.Event{Queue: target.Queue, Kind: target.Kind, On: target.Group, Why: why})
	a.log.InfoContext(ctx, what+" "+done, append(about, slog.String("why", why))...)
	return nil
}

// maxWhy is the longest reason, in bytes.
const maxWhy = 1 << 10

func validateWhy(why string) error {
	if len(why) > maxWhy {
		return fmt.Errorf("%w: a reason of %d bytes; want at most %d", drayhorse.ErrInvalid, len(why), maxWhy)
	}
	return nil
}

// PauseOf gives the pause that holds up the jobs of a kind, of whatever group; nil: none does.
func (q *Queue) PauseOf(kind string) *Paused {
	for i := range q.Pauses {
		if p := &q.Pauses[i]; p.Group == "" && (p.Kind == "" || p.Kind == kind) {
			return p
		}
	}
	return nil
}

// text says what is paused, by whom and why.
func (p *Paused) text(queue string) string {
	text := "queue " + queue + " is paused"
	switch {
	case p.Kind != "" && p.Group != "":
		text = "kind " + p.Kind + " of group " + p.Group + " is paused in queue " + queue
	case p.Group != "":
		text = "group " + p.Group + " is paused in queue " + queue
	case p.Kind != "":
		text = "kind " + p.Kind + " is paused in queue " + queue
	}
	if p.By != "" {
		text += " by " + p.By
	}
	if p.Why != "" {
		text += ": " + p.Why
	}
	return text
}

// addPauses adds those of a partition: each is in all of them, unless somebody was interrupted.
func (q *Queue) addPauses(pauses []jobs.Pause) {
	for _, p := range pauses {
		i := slices.IndexFunc(q.Pauses, func(other Paused) bool { return other.Kind == p.Kind && other.Group == p.Group })
		if i < 0 {
			i = len(q.Pauses)
			q.Pauses = append(q.Pauses, Paused{Kind: p.Kind, Group: p.Group, At: p.At, By: p.By, Why: p.Why})
		}
		q.Pauses[i].Held += p.Held
	}
	slices.SortFunc(q.Pauses, func(a, b Paused) int { return cmp.Or(cmp.Compare(a.Group, b.Group), cmp.Compare(a.Kind, b.Kind)) })
}
