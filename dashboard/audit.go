package dashboard

import (
	"context"
	"log/slog"
	"net/http"
	"sync/atomic"
	"time"

	limits "golang.org/x/time/rate"

	"github.com/drayhorse/drayhorse/admin"
	"github.com/drayhorse/drayhorse/internal/figures"
	"github.com/drayhorse/drayhorse/internal/logs"
)

// resultDone is what became of a deed that was done.
const resultDone = "done"

// deed is what somebody did, or was refused. It says nothing of arguments.
type deed struct {
	action               string
	on                   string // a filter, an action's ID, or the name of a login that failed
	queue, job, schedule string
	result, reason       string
	refused              bool
}

// cameTo gives it with what came of it.
func (x deed) cameTo(err error) deed {
	x.result = resultDone
	if err != nil {
		x.result = err.Error()
	}
	return x
}

// refusals bounds how many are told: who only ever does wrong fills no disk.
type refusals struct {
	limit  *limits.Limiter
	untold *atomic.Int64 // that are not in the log
}

func newRefusals() refusals { return refusals{limits.NewLimiter(10, 50), new(atomic.Int64)} }

// recordPatience is how long Redis may take for a record.
const recordPatience = 2 * time.Second

// audit tells the log and Redis who did what, and what came of it. The error is that of Redis;
// the log has it, too.
func (q *request) audit(x deed) error {
	var untold int64
	if x.refused {
		if !q.d.refusals.limit.Allow() {
			q.d.refusals.untold.Add(1)
			return nil
		}
		untold = q.d.refusals.untold.Swap(0)
	}
	r := admin.AuditRecord{
		Session: q.sessionMark(), Action: x.action, On: x.on, Queue: x.queue, JobID: x.job, Sched: x.schedule, Result: x.result, Reason: x.reason,
	}
	if q.user != nil {
		r.User, r.Role = q.user.Name, string(q.user.Role)
	}
	r.Peer = q.r.RemoteAddr
	if peer := peerOf(q.r); peer.IsValid() {
		r.Peer = peer.String()
		if client := q.d.proxies.clientOf(q.r); client != peer {
			r.Client = client.String()
		}
	}
	what := "audit"
	if x.refused {
		what = "request refused"
	}
	q.d.log.LogAttrs(q.r.Context(), slog.LevelInfo, what, attributesOf(&r, untold)...)
	ctx, cancel := context.WithTimeout(context.WithoutCancel(q.r.Context()), recordPatience)
	defer cancel()
	err := q.d.admin.Record(ctx, r, x.refused)
	if err != nil {
		q.d.log.ErrorContext(ctx, "audit record is not kept", slog.String("action", x.action), slog.String(logs.Error, err.Error()))
	}
	return err
}

func attributesOf(r *admin.AuditRecord, untold int64) []slog.Attr {
	all := []slog.Attr{slog.String("peer", r.Peer)}
	for _, a := range []slog.Attr{
		slog.String("client", r.Client), slog.String("user", r.User), slog.String("role", r.Role), slog.String("session", r.Session),
		slog.String("action", r.Action), slog.String("result", r.Result), slog.String("on", r.On), slog.String(logs.Queue, r.Queue),
		slog.String(logs.JobID, r.JobID), slog.String(logs.Schedule, r.Sched), slog.String("reason", r.Reason),
	} {
		if a.Value.String() != "" {
			all = append(all, a)
		}
	}
	if untold > 0 {
		all = append(all, slog.Int64("untold", untold))
	}
	return all
}

// auditRow is a record on the page.
type auditRow struct {
	admin.AuditRecord

	When figures.Moment
	Link string // to what it was done to
}

type auditPage struct {
	Refused bool
	Rows    []auditRow
	Next    string
	First   bool
}

const auditShown = 100 // on one page

func showAudit(q *request) error {
	p := &auditPage{Refused: q.value("refused") != "", First: q.value("cursor") == ""}
	page, err := q.gate.admin.Audit(q.r.Context(), p.Refused, q.value("cursor"), auditShown)
	if err != nil {
		return err
	}
	now := time.Now()
	for _, r := range page.Records {
		row := auditRow{AuditRecord: r, When: figures.When(r.At, now)}
		switch {
		case r.JobID != "":
			row.Link = link("job", "queue", r.Queue, "id", r.JobID)
		case r.Queue != "":
			row.Link = link("queue", "queue", r.Queue)
		case r.Sched != "":
			row.Link = link("schedule", "id", r.Sched)
		}
		p.Rows = append(p.Rows, row)
	}
	if page.Next != "" {
		p.Next = link("audit", "refused", q.value("refused"), "cursor", page.Next)
	}
	return q.show("audit", "Audit", p)
}

// reveal shows a job with the fields that are masked elsewhere. It is on record before
// anything is shown.
func reveal(q *request) error {
	q.gate.revealed = true
	info, err := q.gate.job(q.r.Context(), q.value("queue"), q.value("id"))
	if err != nil {
		return err
	}
	if err := q.audit(deed{action: "reveal", queue: info.Queue, job: info.ID, result: resultDone}); err != nil {
		return refuse(http.StatusServiceUnavailable, "The audit cannot be written at the moment, so nothing is revealed.")
	}
	if q.value("file") != "" {
		return q.giveFile(info)
	}
	return q.showJob(info)
}
