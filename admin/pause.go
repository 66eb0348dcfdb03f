package admin

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"github.com/drayhorse/drayhorse"
	"github.com/drayhorse/drayhorse/internal/jobs"
	"github.com/drayhorse/drayhorse/internal/logs"
)

// Target is what Pause and Resume are about.
type Target struct {
	Queue string
	Kind  string // of its jobs; empty: all
}

// Paused is a pause as its queue has it.
type Paused struct {
	Kind string    `json:"kind,omitempty"` // empty: all of the queue
	At   time.Time `json:"at,omitzero"`    // by Redis's clock; zero: not known
	By   string    `json:"by,omitempty"`   // who paused: the Actor of Config; empty: not known
	Why  string    `json:"why,omitempty"`
	Held int       `json:"held,omitzero"` // jobs of the kind that were met in line and set aside
}

// Pause stops claims from a queue, or of one kind of its jobs, until Resume: at once, also of
// what is queued already. Jobs that run go on; those that wait keep their order and lose no
// attempt, and other kinds pass them. why is on record, at most 1 KiB. To pause again changes the
// reason. At most 100 kinds of a queue are paused. The error is drayhorse.ErrNotFound,
// ErrInvalid, ErrQueueInvalid or ErrUnavailable; after the last, a part of the partitions may be
// paused.
func (a *Admin) Pause(ctx context.Context, target Target, why string) error {
	return a.switchTarget(ctx, "paused", target, why, func(p *jobs.Partition) error {
		return p.Pause(ctx, jobs.Pause{Kind: target.Kind, By: a.actor, Why: why})
	})
}

// Resume lets claims go on that Pause has stopped, of the same target: kinds that are paused
// themselves stay so when their queue goes on. To resume what is not paused is harmless. The
// errors are those of Pause.
func (a *Admin) Resume(ctx context.Context, target Target, why string) error {
	return a.switchTarget(ctx, "resumed", target, why, func(p *jobs.Partition) error { return p.Resume(ctx, target.Kind) })
}

func (a *Admin) switchTarget(ctx context.Context, done string, target Target, why string, act func(*jobs.Partition) error) error {
	if target.Kind != "" {
		if err := drayhorse.ValidateKind(target.Kind); err != nil {
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
	if target.Kind == "" {
		a.log.InfoContext(ctx, "queue "+done, slog.String(logs.Queue, target.Queue), slog.String("why", why))
	} else {
		a.log.InfoContext(ctx, "kind "+done, slog.String(logs.Queue, target.Queue), slog.String(logs.Kind, target.Kind), slog.String("why", why))
	}
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

// PauseOf gives the pause that holds up the jobs of a kind; nil: none does.
func (q *Queue) PauseOf(kind string) *Paused {
	for i := range q.Pauses {
		if p := &q.Pauses[i]; p.Kind == "" || p.Kind == kind {
			return p
		}
	}
	return nil
}

// text says what is paused, by whom and why.
func (p *Paused) text(queue string) string {
	text := "queue " + queue + " is paused"
	if p.Kind != "" {
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
		i := slices.IndexFunc(q.Pauses, func(other Paused) bool { return other.Kind == p.Kind })
		if i < 0 {
			i = len(q.Pauses)
			q.Pauses = append(q.Pauses, Paused{Kind: p.Kind, At: p.At, By: p.By, Why: p.Why})
		}
		q.Pauses[i].Held += p.Held
	}
	slices.SortFunc(q.Pauses, func(a, b Paused) int { return cmp.Compare(a.Kind, b.Kind) })
}
