package dashboard

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"

	"github.com/drayhorse/drayhorse"
	"github.com/drayhorse/drayhorse/internal/access"
)

// jobForm is the arguments of a job that somebody writes.
type jobForm struct {
	Queue, ID, Kind, Args string
	Masked                bool   // they are not shown, since there may be secrets in them
	Problem               string // why they were not accepted
}

// jobParams are those of the form.
var jobParams = []string{"queue", "id", "args"}

// mayEditJob reports whether the user may give a job in that state other arguments, which
// cannot be undone.
func (q *request) mayEditJob(state drayhorse.State) bool {
	switch state {
	case drayhorse.Available, drayhorse.Scheduled, drayhorse.Retryable:
		return q.may(access.Delete)
	}
	return false
}

// writeJob gives the form of a job that waits.
func writeJob(q *request) error {
	f, err := q.jobForm()
	if err != nil {
		return err
	}
	return q.show("edit-job", "Edit "+f.ID, f)
}

// jobForm gives the form with the arguments as they are.
func (q *request) jobForm() (*jobForm, error) {
	job, err := q.gate.job(q.r.Context(), q.value("queue"), q.value("id"))
	if err != nil {
		return nil, err
	}
	if !q.mayEditJob(job.State) {
		return nil, refuse(http.StatusConflict, "Job %s is %s; only one that waits can be changed.", clip(job.ID), job.State)
	}
	if len(job.Args) > maxArgs {
		return nil, refuse(http.StatusConflict, "Its arguments have %d bytes; a form takes %d at most, drayhorse jobs edit more.", len(job.Args), maxArgs)
	}
	f := &jobForm{Queue: job.Queue, ID: job.ID, Kind: job.Kind, Masked: job.Masked}
	if !job.Masked {
		f.Args = string(job.Args)
	}
	return f, nil
}

// keepJob gives the job the arguments of the form.
func keepJob(q *request) error {
	f, err := q.jobForm()
	if err != nil {
		return err
	}
	f.Args = q.field("args")
	if f.Args == "" {
		err = fmt.Errorf("%w: no arguments are given; want some, in JSON", drayhorse.ErrInvalid)
	} else {
		err = q.gate.admin.EditJob(q.r.Context(), f.Queue, f.ID, json.RawMessage(f.Args))
		_ = q.audit(deed{action: jobSaved, queue: f.Queue, job: f.ID}.cameTo(err)) // it is in the log
	}
	switch {
	case err == nil:
		return q.redirect(withDone(link("job", "queue", f.Queue, "id", f.ID), jobSaved))
	case errors.Is(err, drayhorse.ErrInvalid):
		f.Problem = sentence(err)
		return q.showAs(http.StatusBadRequest, "edit-job", "Edit "+f.ID, f)
	}
	return err
}
