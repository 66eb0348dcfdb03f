package dashboard

import (
	"cmp"
	"errors"
	"net/http"
	"slices"
	"strconv"
	"time"

	"github.com/drayhorse/drayhorse"
	"github.com/drayhorse/drayhorse/admin"
)

// limitForm is a limit that somebody writes.
type limitForm struct {
	Name, Queue, Kind, Concurrency, Rate, Burst string
	Share, Least, Window, CoolDown, Probes, Why string // all but the last of the breaker
	PerGroup                                    bool

	Edits    bool   // one that is there
	Version  string // of it, when the form was asked for
	ByWorker bool   // which a worker has declared
	Problem  string // why it was not accepted
}

// limitParams are those of the form.
var limitParams = []string{"limit", "edits", "version", "queue", "kind", "per_group", "concurrency", "rate", "burst", "share", "least", "window", "cool_down", "probes", "reason"}

func (f *limitForm) title() string {
	if f.Edits {
		return "Edit limit " + f.Name
	}
	return "New limit"
}

// writeLimit gives the form, of a limit that is there or of a new one.
func writeLimit(q *request) error {
	f := &limitForm{}
	if name := q.value("limit"); name != "" {
		l, err := q.gate.limit(q.r.Context(), name)
		if err != nil {
			return err
		}
		f = formOfLimit(l)
	}
	return q.show("edit-limit", f.title(), f)
}

func formOfLimit(l *admin.Limit) *limitForm {
	f := &limitForm{
		Name: l.Name, Queue: l.Queue, Kind: l.Kind, PerGroup: l.PerGroup, Concurrency: someNumber(l.Concurrency), Rate: l.Rate.String(), Burst: someNumber(l.Rate.Burst),
		Least: someNumber(l.Breaker.Min), Window: someTime(l.Breaker.Window), CoolDown: someTime(l.Breaker.CoolDown), Probes: someNumber(l.Breaker.Probes),
		Edits: true, Version: strconv.FormatInt(l.Version, 10), ByWorker: !l.Operator,
	}
	if l.Breaker.Rate != 0 {
		f.Share = strconv.FormatFloat(l.Breaker.Rate, 'g', -1, 64)
	}
	return f
}

// keepLimit sets the limit of the form.
func keepLimit(q *request) error {
	f := &limitForm{
		Name: q.field("limit"), Queue: q.field("queue"), Kind: q.field("kind"), PerGroup: q.field("per_group") != "",
		Concurrency: q.field("concurrency"), Rate: q.field("rate"), Burst: q.field("burst"),
		Share: q.field("share"), Least: q.field("least"), Window: q.field("window"), CoolDown: q.field("cool_down"), Probes: q.field("probes"),
		Why: q.field("reason"), Edits: q.field("edits") != "", Version: q.field("version"),
	}
	l, err := f.limit()
	if err == nil {
		err = l.Validate()
	}
	if err == nil {
		err = q.mayLimit(&l, f)
	}
	if err == nil {
		err = q.gate.admin.SetLimit(q.r.Context(), l, f.Why)
		_ = q.audit(deed{action: limitSaved, on: l.Name, queue: l.Queue, reason: f.Why}.cameTo(err)) // it is in the log
	}
	switch {
	case err == nil:
		q.d.board.LimitsChanged(q.r.Context())
		return q.redirect(withDone("limits", limitSaved))
	case errors.Is(err, drayhorse.ErrInvalid), errors.Is(err, drayhorse.ErrNotFound):
		f.Problem = sentence(err)
		return q.showAs(refusalOf(err).status, "edit-limit", f.title(), f)
	}
	return err
}

// mayLimit refuses a limit of jobs that are out of the user's scope, a new one whose name
// another has, and a change of one that somebody else has changed since the form was asked for.
func (q *request) mayLimit(l *drayhorse.Limit, f *limitForm) error {
	if !q.gate.seesLimit(l.Queue) {
		return refuse(http.StatusForbidden, "The limit is of jobs that are out of your scope. Name a queue of yours.")
	}
	if l.Queue != "" {
		if _, err := q.gate.admin.Queue(q.r.Context(), l.Queue); err != nil { // a name that was mistyped makes no queue
			return err
		}
	}
	all, err := q.gate.admin.Limits(q.r.Context())
	if err != nil {
		return err
	}
	i := slices.IndexFunc(all, func(o admin.Limit) bool { return o.Name == l.Name })
	switch {
	case i < 0:
		return nil
	case !f.Edits || all[i].Queue != l.Queue:
		return refuse(http.StatusConflict, "There is a limit %s already. Edit it, or take another name.", clip(l.Name))
	case f.Version != strconv.FormatInt(all[i].Version, 10):
		return refuse(http.StatusConflict, "%s has changed limit %s meanwhile; nothing was done. Look at it again.", cmp.Or(all[i].By, "Somebody"), clip(l.Name))
	}
	return nil
}

// limit gives what the form says.
func (f *limitForm) limit() (drayhorse.Limit, error) {
	l := drayhorse.Limit{Name: f.Name, Queue: f.Queue, Kind: f.Kind, PerGroup: f.PerGroup}
	var errs [8]error
	l.Concurrency, errs[0] = wholeNumber("how many run at once", f.Concurrency)
	if f.Rate != "" {
		l.Rate, errs[1] = drayhorse.ParseRate(f.Rate)
	}
	l.Rate.Burst, errs[2] = wholeNumber("burst", f.Burst)
	b := &l.Breaker
	b.Rate, errs[3] = share("share that fails", f.Share)
	b.Min, errs[4] = wholeNumber("how many have ended", f.Least)
	b.Window, errs[5] = span("window", f.Window)
	b.CoolDown, errs[6] = span("cool-down", f.CoolDown)
	b.Probes, errs[7] = wholeNumber("probes", f.Probes)
	if b.Rate != 0 {
		b.Window, b.CoolDown = cmp.Or(b.Window, time.Minute), cmp.Or(b.CoolDown, 30*time.Second)
	}
	return l, errors.Join(errs[:]...)
}
