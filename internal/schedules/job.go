package schedules

import (
	"time"

	"github.com/drayhorse/drayhorse/internal/jobs"
)

// Job makes a job of the schedule for a tick.
func (d *Declaration) Job(id string, tick time.Time) *jobs.NewJob {
	return &jobs.NewJob{ID: id, Envelope: &jobs.Envelope{
		Kind: d.Kind, MaxAttempts: d.MaxAttempts, Timeout: d.Timeout, Retain: d.Retain,
		EnqueuedAt: time.Now(), OwnID: true, Schedule: d.ID, Tick: tick, Args: d.Args,
	}}
}
