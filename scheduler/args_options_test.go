package scheduler

import (
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/drayhorse/drayhorse"
)

type report struct{ bring []drayhorse.Option }

func (report) Kind() string { return "report" }

func (r report) Options() []drayhorse.Option { return r.bring }

// TestTicksTakeTheOptionsOfTheirArgs: those that a tick can have; its own say otherwise.
func TestTicksTakeTheOptionsOfTheirArgs(t *testing.T) {
	t.Parallel()
	s := Schedule{
		ID: "nightly", Every: time.Hour, Options: []drayhorse.Option{drayhorse.MaxAttempts(3), drayhorse.High, drayhorse.Group("tenant-42"), drayhorse.Tags("report", "eu")},
		Args: report{[]drayhorse.Option{drayhorse.Queue("mail"), drayhorse.MaxAttempts(9), drayhorse.ID("once"), drayhorse.In(time.Hour)}},
	}
	d, err := s.declaration()
	if err != nil || d.Queue != "mail" || d.MaxAttempts != 3 || !slices.Equal(d.Job("a", time.Now(), time.Now()).Envelope.Tags, []string{"report", "eu"}) ||
		d.Job("a", time.Now(), time.Now()).Envelope.Priority != drayhorse.High || d.Job("a", time.Now(), time.Now()).Envelope.Group != "tenant-42" {
		t.Errorf("%+v, %v", d, err)
	}
	s.Options = append(s.Options, drayhorse.ID("mine"))
	if _, err := s.declaration(); !errors.Is(err, drayhorse.ErrInvalid) {
		t.Errorf("error %v; want an ID of the schedule's own refused", err)
	}
}
