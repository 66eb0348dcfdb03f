package dashboard

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"

	"github.com/drayhorse/drayhorse"
	"github.com/drayhorse/drayhorse/admin"
	"github.com/drayhorse/drayhorse/internal/access"
)

// scheduleForm is a schedule that somebody writes.
type scheduleForm struct {
	ID, Cron, Every, Timezone, Kind, Queue, Args, Attempts, Timeout, CatchUp, Overlap string

	Edits   bool   // one that is there
	Masked  bool   // its arguments are not shown, since there may be secrets in them; they stay where none are given
	Problem string // why it was not accepted
}

// scheduleParams are those of the form.
var scheduleParams = []string{"id", "edits", "cron", "every", "timezone", "kind", "queue", "args", "attempts", "timeout", "catch_up", "overlap"}

// CatchUps and Overlaps are what may be chosen, with what it means.
func (f *scheduleForm) CatchUps() []pick {
	return picks(f.CatchUp, "last", "one job for all of them", "skip", "none", "all", "a job for each, of the last day")
}

// Overlaps see CatchUps.
func (f *scheduleForm) Overlaps() []pick {
	return picks(f.Overlap, "allow", "run beside it", "skip", "leave the tick out", "queue", "run after it", "replace", "cancel it")
}

func (f *scheduleForm) title() string {
	if f.Edits {
		return "Edit " + f.ID
	}
	return "New schedule"
}

// addedSchedule gives a schedule that was added at run time, with its arguments as they
// are: what a source declares is changed there.
func (g *gate) addedSchedule(ctx context.Context, id string) (*admin.Schedule, error) {
	s, err := g.wholeSchedule(ctx, id)
	if err == nil && s.Source != "" {
		err = refuse(http.StatusConflict, "Schedule %s is declared by source %s; it is changed there.", id, s.Source)
	}
	return s, err
}

// writeSchedule gives the form, of a schedule that is there or of a new one.
func writeSchedule(q *request) error {
	f := &scheduleForm{Timezone: "UTC", Queue: drayhorse.DefaultQueue, CatchUp: "last", Overlap: "allow"}
	if id := q.value("id"); id != "" {
		s, err := q.gate.addedSchedule(q.r.Context(), id)
		if err != nil {
			return err
		}
		f = formOfSchedule(s)
		if args, hidden := q.gate.masks.mask(s.Args); hidden {
			f.Masked = true
		} else {
			f.Args = string(args)
		}
	}
	return q.show("edit-schedule", f.title(), f)
}

func formOfSchedule(s *admin.Schedule) *scheduleForm {
	return &scheduleForm{
		ID: s.ID, Cron: s.Cron, Timezone: s.Timezone, Kind: s.Kind, Queue: s.Queue, CatchUp: s.CatchUp, Overlap: s.Overlap,
		Every: someTime(s.Every), Attempts: someNumber(s.MaxAttempts), Timeout: someTime(s.Timeout), Edits: true,
	}
}

// keepSchedule adds or changes the schedule of the form. What cannot be is said above the
// form, which stays as it was written.
func keepSchedule(q *request) error {
	f := &scheduleForm{
		ID: q.field("id"), Cron: q.field("cron"), Every: q.field("every"), Timezone: q.field("timezone"), Kind: q.field("kind"), Queue: q.field("queue"), Args: q.field("args"),
		Attempts: q.field("attempts"), Timeout: q.field("timeout"), CatchUp: q.field("catch_up"), Overlap: q.field("overlap"), Edits: q.field("edits") != "",
	}
	var before admin.Declaration
	if f.Edits {
		s, err := q.gate.addedSchedule(q.r.Context(), f.ID)
		if err != nil {
			return err
		}
		before = s.Declaration
		_, f.Masked = q.gate.masks.mask(s.Args)
	}
	d, err := f.declaration(before)
	if err == nil {
		if !q.user.Sees(d.Queue, d.Kind) {
			return refuse(http.StatusForbidden, "Kind %s of queue %s is out of your scope.", clip(d.Kind), clip(d.Queue))
		}
		err = q.gate.admin.AddSchedule(q.r.Context(), d, f.Edits)
		_ = q.audit(deed{action: scheduleSaved, schedule: d.ID}.cameTo(err)) // it is in the log
	}
	switch {
	case err == nil:
		return q.redirect(withDone(link("schedule", "id", d.ID), scheduleSaved))
	case errors.Is(err, drayhorse.ErrInvalid), errors.Is(err, drayhorse.ErrDuplicate):
		f.Problem = sentence(err)
		return q.showAs(refusalOf(err).status, "edit-schedule", f.title(), f)
	}
	return err
}

// declaration gives what the form declares; what it does not show stays as it was before.
func (f *scheduleForm) declaration(d admin.Declaration) (admin.Declaration, error) {
	d.ID, d.Cron, d.Timezone, d.Kind, d.Queue, d.Overlap = f.ID, f.Cron, f.Timezone, f.Kind, f.Queue, f.Overlap
	if d.CatchUp != f.CatchUp { // its bounds were for the other one
		d.CatchUp, d.CatchUpWindow, d.CatchUpMax = f.CatchUp, 0, 0
	}
	if f.Args != "" || !f.Masked {
		d.Args = json.RawMessage(f.Args)
	}
	var err1, err2, err3 error
	d.Every, err1 = span("every", f.Every)
	d.Timeout, err2 = span("timeout", f.Timeout)
	d.MaxAttempts, err3 = wholeNumber("attempts", f.Attempts)
	d.Manual = f.Cron == "" && f.Every == ""
	if d.Queue == "" { // or the default of a scope would be another's
		d.Queue = drayhorse.DefaultQueue
	}
	return d, errors.Join(err1, err2, err3)
}

// mayEdit reports whether the user may change a schedule on a form.
func (q *request) mayEdit(s *admin.Schedule) bool { return s.Source == "" && q.may(access.Declare) }
