package admin

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"github.com/drayhorse/drayhorse"
	"github.com/drayhorse/drayhorse/internal/events"
	"github.com/drayhorse/drayhorse/internal/marks"
	"github.com/drayhorse/drayhorse/internal/printable"
)

const (
	// MaxMarks is how many marks are kept; the earliest go first.
	MaxMarks = marks.Kept

	maxMark = 200 // bytes of one
)

// Mark is a moment that somebody has marked, such as a deploy. Charts show it.
type Mark struct {
	At   time.Time `json:"at"` // by Redis's clock
	Text string    `json:"text"`
	By   string    `json:"by,omitempty"` // the Actor of Config
}

// AddMark marks this moment with a line of 1 to 200 bytes, such as "deploy billing 1.4.2", which
// all who see charts may read. The error is drayhorse.ErrInvalid, ErrUnavailable or ErrFull.
func (a *Admin) AddMark(ctx context.Context, text string) (*Mark, error) {
	text = strings.TrimSpace(text)
	if text == "" || len(text) > maxMark || printable.Text(text) != text {
		return nil, fmt.Errorf("%w: mark %q; want a line of 1 to %d printable bytes", drayhorse.ErrInvalid, printable.Clip(text, 100), maxMark)
	}
	if err := a.check(ctx); err != nil {
		return nil, err
	}
	added, err := a.marks.Add(ctx, text, a.actor)
	if err != nil {
		return nil, err
	}
	a.log.InfoContext(ctx, "mark added", slog.String("mark", text))
	a.did("mark added", events.Event{Why: text})
	m := Mark(*added)
	return &m, nil
}

// Marks gives the marks from one time to another, both included, the earliest first; the zero
// time is no bound. The error is drayhorse.ErrUnavailable.
func (a *Admin) Marks(ctx context.Context, from, to time.Time) ([]Mark, error) {
	if err := a.check(ctx); err != nil {
		return nil, err
	}
	found, err := a.marks.List(ctx, from, to)
	all := make([]Mark, len(found))
	for i, m := range found {
		all[i] = Mark(m)
	}
	return all, err
}
