package schedules

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/drayhorse/drayhorse"
)

// wire is a Declaration as it is stored, and as it is shown as JSON.
type wire struct {
	ID            string             `json:"id"`
	Cron          string             `json:"cron,omitempty"`
	Every         duration           `json:"every,omitzero"`
	Manual        bool               `json:"manual,omitempty"`
	Paused        bool               `json:"paused,omitempty"`
	Timezone      string             `json:"timezone,omitempty"`
	Start         time.Time          `json:"start,omitzero"`
	End           time.Time          `json:"end,omitzero"`
	Jitter        duration           `json:"jitter,omitzero"`
	Kind          string             `json:"kind"`
	Args          json.RawMessage    `json:"args,omitempty"`
	Queue         string             `json:"queue"`
	MaxAttempts   int                `json:"max_attempts"`
	Timeout       duration           `json:"timeout"`
	Retain        duration           `json:"retain,omitzero"`
	StartWithin   duration           `json:"start_within,omitzero"`
	Priority      drayhorse.Priority `json:"priority,omitempty"`
	Group         string             `json:"group,omitempty"`
	Tags          []string           `json:"tags,omitempty"`
	CatchUp       string             `json:"catch_up"`
	CatchUpWindow duration           `json:"catch_up_window,omitzero"`
	CatchUpMax    int                `json:"catch_up_max,omitempty"`
	Overlap       string             `json:"overlap"`
}

// duration is written as 1m30s.
type duration time.Duration

func (d duration) MarshalText() ([]byte, error) { return []byte(time.Duration(d).String()), nil }

func (d *duration) UnmarshalText(text []byte) error {
	v, err := time.ParseDuration(string(text))
	*d = duration(v)
	return err
}

// MarshalJSON writes a Declaration in snake_case, without what is not given.
func (d Declaration) MarshalJSON() ([]byte, error) { return json.Marshal(d.wire()) }

// UnmarshalJSON reads what MarshalJSON wrote.
func (d *Declaration) UnmarshalJSON(data []byte) error {
	var w wire
	if err := json.Unmarshal(data, &w); err != nil {
		return fmt.Errorf("declaration of a schedule: %w", err)
	}
	*d = Declaration{
		ID: w.ID, Cron: w.Cron, Every: time.Duration(w.Every), Manual: w.Manual, Paused: w.Paused, Timezone: w.Timezone, Start: w.Start, End: w.End,
		Jitter: time.Duration(w.Jitter), Kind: w.Kind, Args: w.Args, Queue: w.Queue, MaxAttempts: w.MaxAttempts,
		Timeout: time.Duration(w.Timeout), Retain: time.Duration(w.Retain), StartWithin: time.Duration(w.StartWithin), Priority: w.Priority, Group: w.Group, Tags: w.Tags, CatchUp: w.CatchUp,
		CatchUpWindow: time.Duration(w.CatchUpWindow), CatchUpMax: w.CatchUpMax, Overlap: w.Overlap,
	}
	return nil
}

func (d *Declaration) wire() wire {
	return wire{
		ID: d.ID, Cron: d.Cron, Every: duration(d.Every), Manual: d.Manual, Paused: d.Paused, Timezone: d.Timezone, Start: d.Start.UTC(), End: d.End.UTC(),
		Jitter: duration(d.Jitter), Kind: d.Kind, Args: d.Args, Queue: d.Queue, MaxAttempts: d.MaxAttempts,
		Timeout: duration(d.Timeout), Retain: duration(d.Retain), StartWithin: duration(d.StartWithin), Priority: d.Priority, Group: d.Group, Tags: d.Tags, CatchUp: d.CatchUp,
		CatchUpWindow: duration(d.CatchUpWindow), CatchUpMax: d.CatchUpMax, Overlap: d.Overlap,
	}
}

// encode gives the stored text.
func (d *Declaration) encode() (string, error) {
	text, err := json.Marshal(d)
	return string(text), err
}
