package admin

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/drayhorse/drayhorse"
	"github.com/drayhorse/drayhorse/internal/audit"
	"github.com/drayhorse/drayhorse/internal/printable"
)

// AuditRecord is what somebody did on a dashboard, or was refused. It says nothing of arguments.
type AuditRecord struct {
	ID string    `json:"id,omitempty"`
	At time.Time `json:"at,omitzero"` // by Redis's clock

	User    string `json:"user,omitempty"`    // empty: nobody knows
	Role    string `json:"role,omitempty"`    // that the user had
	Session string `json:"session,omitempty"` // the beginning of its hash
	Peer    string `json:"peer,omitempty"`    // the address that the request came from
	Client  string `json:"client,omitempty"`  // the address that a trusted proxy named

	Action string `json:"action"`           // such as cancel-job, login or reveal; of a refusal the route
	On     string `json:"on,omitempty"`     // a filter, or the ID of an action
	Queue  string `json:"queue,omitempty"`  // of the job, or the queue itself
	JobID  string `json:"job_id,omitempty"` // a job
	Sched  string `json:"schedule,omitempty"`
	Result string `json:"result"`           // done, or why not
	Reason string `json:"reason,omitempty"` // that the user gave
}

// AuditPage is a part of the audit, the latest first.
type AuditPage struct {
	Records []AuditRecord `json:"records"`
	Next    string        `json:"next,omitempty"` // cursor of the next page; empty after the last
}

// Of a page of the audit.
const maxAudit = 200

// maxAuditField is the longest value of a record, in bytes; longer ones are cut.
const maxAuditField = 1 << 10

// Record keeps what somebody did or, if refused, what was refused: of the first the last 10,000,
// of the second the last 2,000. ID and At are not written. The error is
// drayhorse.ErrUnavailable.
func (a *Admin) Record(ctx context.Context, r AuditRecord, refused bool) error {
	r.ID, r.At = "", time.Time{}
	for _, field := range []*string{&r.User, &r.Role, &r.Session, &r.Peer, &r.Client, &r.Action, &r.On, &r.Queue, &r.JobID, &r.Sched, &r.Result, &r.Reason} {
		*field = printable.Clip(*field, maxAuditField)
	}
	text, err := json.Marshal(r)
	if err != nil {
		return err
	}
	if len(text) > audit.MaxText { // of characters that JSON writes longer
		r.On, r.Reason = "", ""
		r.Result = printable.Clip(r.Result, 100)
		if text, err = json.Marshal(r); err != nil {
			return err
		}
	}
	return a.audit.Append(ctx, refused, string(text))
}

// Audit gives a page of limit records (1 to 200) of what was done or, if refused, of what was
// refused, the latest first. cursor is AuditPage.Next of the page before, "" for the first. The
// error is drayhorse.ErrInvalid or ErrUnavailable.
func (a *Admin) Audit(ctx context.Context, refused bool, cursor string, limit int) (*AuditPage, error) {
	if limit < 1 || limit > maxAudit {
		return nil, fmt.Errorf("%w: a page of %d records; want 1 to %d", drayhorse.ErrInvalid, limit, maxAudit)
	}
	if err := a.check(ctx); err != nil {
		return nil, err
	}
	rows, err := a.audit.List(ctx, refused, cursor, limit)
	if err != nil {
		return nil, err
	}
	page := &AuditPage{Records: []AuditRecord{}}
	for _, row := range rows {
		var r AuditRecord
		if err := json.Unmarshal([]byte(row.Text), &r); err != nil {
			r = AuditRecord{Action: "unreadable", Result: err.Error()}
		}
		r.ID, r.At = row.ID, row.At
		page.Records = append(page.Records, r)
	}
	if len(rows) == limit {
		page.Next = rows[len(rows)-1].ID
	}
	return page, nil
}

// As gives the same Admin for what another actor does; it is not closed, and ends with the
// first.
func (a *Admin) As(actor string) *Admin {
	other := *a
	other.actor = actor
	return &other
}
