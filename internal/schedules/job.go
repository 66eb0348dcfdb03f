package schedules

import (
	"time"

	"github.com/drayhorse/drayhorse"
	"github.com/drayhorse/drayhorse/internal/jobs"
)

// Job makes a job of the schedule for a tick, at the time now.
func (d *Declaration) Job(id string, tick, now time.Time) *jobs.NewJob {
	settings := drayhorse.Settings{ID: id, MaxAttempts: d.MaxAttempts, Timeout: d.Timeout, Retain: d.Retain, StartWithin: d.StartWithin, Priority: d.Priority, Group: d.Group, Tags: d.Tags}
	job := new(jobs.Made).Make(d.Kind, d.Args, &settings, now)
	job.Envelope.Schedule, job.Envelope.Tick = d.ID, tick
	return job
}
