package jobs

import (
	"time"

	"github.com/drayhorse/drayhorse"
)

// Made is room for a job and its envelope: one allocation makes both, and one makes many.
type Made struct {
	job      NewJob
	envelope Envelope
}

// Make makes a job from its kind, its arguments as JSON, settings as drayhorse.Resolve
// gives them, and the time by its maker's clock. All jobs that are enqueued are made here,
// whoever enqueues them. Without an ID in the settings its writer makes one.
func (m *Made) Make(kind string, args []byte, s *drayhorse.Settings, now time.Time) *NewJob {
	m.envelope = Envelope{
		Kind: kind, MaxAttempts: s.MaxAttempts, Timeout: s.Timeout, Retain: s.Retain,
		OwnID: s.ID != "", EnqueuedAt: now, Args: args,
		StartWithin: s.StartWithin, Priority: s.Priority, Group: s.Group, Tags: s.Tags,
	}
	switch {
	case s.In > 0:
		m.envelope.DueAt = now.Add(s.In)
	case s.At.After(now):
		m.envelope.DueAt = s.At
	}
	m.job = NewJob{
		ID: PackID(s.ID), Envelope: &m.envelope, In: s.In, At: s.At, Durable: s.Durable, Replace: s.ReplaceEnded,
	}
	return &m.job
}
