package dashboard

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"time"

	"github.com/drayhorse/drayhorse"
	"github.com/drayhorse/drayhorse/admin"
	"github.com/drayhorse/drayhorse/internal/access"
	"github.com/drayhorse/drayhorse/internal/board"
	"github.com/drayhorse/drayhorse/internal/filter"
	"github.com/drayhorse/drayhorse/internal/scope"
)

// gate is all that a request sees and does of jobs: it gives nothing that is out of the scope
// of its user, and nothing of a job that his role does not show. What is out of scope is not
// there.
type gate struct {
	admin     *admin.Admin // acts as the user
	board     *board.Board
	histories *histories
	feed      *feed
	user      *access.User
	masks     masks
	revealed  bool // fields that may be secret are shown
}

func notThere(what, name string) error {
	return fmt.Errorf("%w: %s %s", drayhorse.ErrNotFound, what, clip(name))
}

// job gives a job; queue "" is wherever it is.
func (g *gate) job(ctx context.Context, queue, id string) (*shown, error) {
	if queue != "" && !g.user.SeesSome(queue) {
		return nil, notThere("job", id)
	}
	info, err := g.admin.Get(ctx, queue, id)
	if err != nil {
		return nil, err
	}
	if !g.user.Sees(info.Queue, info.Kind) {
		return nil, notThere("job", id)
	}
	return g.show(info), nil
}

// shown is a job as its user may see it.
type shown struct {
	*drayhorse.Info

	Hidden bool // what it is about is not for the user
	Masked bool // fields that may be secret are
}

func (g *gate) show(info *drayhorse.Info) *shown {
	s := &shown{Info: info}
	if !g.user.May(access.Read) {
		s.Hidden = true
		info.Args, info.Result, info.Progress = nil, nil, nil
		info.Errors = slices.Clone(info.Errors)
		for i := range info.Errors {
			info.Errors[i].Message, info.Errors[i].Stack = "", ""
		}
		return s
	}
	if !g.revealed {
		var args, result bool
		info.Args, args = g.masks.mask(info.Args)
		info.Result, result = g.masks.mask(info.Result)
		s.Masked = args || result
	}
	return s
}

// explain says why a job does not run that the user was given. What the last attempt said is
// an error.
func (g *gate) explain(ctx context.Context, info *drayhorse.Info) (*admin.Explanation, error) {
	x, err := g.admin.Explain(ctx, info.Queue, info.ID)
	if err != nil || g.user.May(access.Read) {
		return x, err
	}
	for i := range x.Why {
		if why := &x.Why[i]; why.Gate == admin.GateRetry || why.Gate == admin.GateEnded {
			why.Detail = "the last attempt failed"
		}
	}
	return x, nil
}

// jobs gives a page of jobs, without arguments and results.
func (g *gate) jobs(ctx context.Context, f admin.Filter) (*admin.Page, error) {
	for _, name := range []string{f.Queue, said(f.Where).Queue} {
		if name != "" && !g.user.SeesSome(name) {
			return nil, notThere("queue", name)
		}
	}
	if err := g.mayAsk(f.Where); err != nil {
		return nil, err
	}
	if !g.user.SeesAll() {
		f.Within = g.user.Scope
		if len(f.Within) == 0 {
			return &admin.Page{}, nil
		}
	}
	page, err := g.admin.Jobs(ctx, f)
	if err != nil {
		return nil, err
	}
	for _, info := range page.Jobs {
		info.Args, info.Result = nil, nil
		g.show(info)
	}
	return page, nil
}

// said is what a filter says in words; nothing where it is wrong, which whoever uses it says.
func said(where string) *filter.Filter {
	f, err := filter.Parse(where, time.Now())
	if err != nil {
		return &filter.Filter{}
	}
	return f
}

// mayAsk refuses filters by what the user does not see: answers would tell it.
func (g *gate) mayAsk(where string) error {
	f := said(where)
	switch {
	case !g.user.May(access.Read) && (f.Error != "" || len(f.Args) > 0 || len(f.Text) > 0):
		return refuse(http.StatusForbidden, "Your role does not see errors and arguments, and cannot look for them.")
	case !g.user.May(access.Reveal) && slices.ContainsFunc(f.Args, func(a filter.Arg) bool { return slices.ContainsFunc(a.Path, g.masks.hides) }):
		return refuse(http.StatusForbidden, "That part of the arguments is masked for your role, and cannot be looked for.")
	}
	return nil
}

// covers reports whether all jobs that a filter means are in the scope.
func (g *gate) covers(f admin.Filter) bool {
	where := said(f.Where)
	for _, one := range []struct{ field, said *string }{{&f.Queue, &where.Queue}, {&f.Kind, &where.Kind}} {
		if *one.field == "" {
			*one.field = *one.said
		}
	}
	switch {
	case f.Queue == "" && f.Kind == "":
		return g.user.SeesAll()
	case f.Queue == "":
		return g.user.Sees(scope.Every, f.Kind)
	case f.Kind == "":
		return g.user.SeesQueue(f.Queue)
	}
	return g.user.Sees(f.Queue, f.Kind)
}

// queue gives a queue as it was read, or reads it.
func (g *gate) queue(ctx context.Context, r *board.Reading, name string) (*admin.Queue, error) {
	if !g.user.SeesQueue(name) {
		return nil, notThere("queue", name)
	}
	if i := slices.IndexFunc(r.Queues, func(q admin.Queue) bool { return q.Name == name }); i >= 0 {
		return &r.Queues[i], nil
	}
	return g.admin.Queue(ctx, name)
}

// countQueues counts those of the names that the user sees.
func (g *gate) countQueues(ctx context.Context, names ...string) ([]admin.Queue, error) {
	return g.admin.CountQueues(ctx, slices.DeleteFunc(slices.Clone(names), func(name string) bool { return !g.user.SeesQueue(name) })...)
}

// read gives what is read for all, as far as the user sees it.
func (g *gate) read(ctx context.Context) (*board.Reading, error) {
	all, err := g.board.Read(ctx)
	if err != nil || g.user.SeesAll() && g.user.May(access.Read) {
		return all, err
	}
	r := *all
	r.Names = slices.DeleteFunc(slices.Clone(all.Names), func(name string) bool { return !g.user.SeesQueue(name) })
	r.Queues = slices.DeleteFunc(slices.Clone(all.Queues), func(q admin.Queue) bool { return !g.user.SeesQueue(q.Name) })
	r.Workers = nil
	for i := range all.Workers {
		if w, ok := g.worker(all.Workers[i]); ok {
			r.Workers = append(r.Workers, w)
		}
	}
	r.Upcoming = nil
	for _, s := range all.Upcoming {
		if g.user.Sees(s.Queue, s.Kind) {
			r.Upcoming = append(r.Upcoming, g.schedule(s))
		}
	}
	if !g.user.SeesAll() {
		r.Rates = maps.Clone(all.Rates)
		delete(r.Rates, "") // of all queues together
	}
	return &r, nil
}

// worker gives a worker with those of its queues and jobs that the user sees; false: it has none.
func (g *gate) worker(w admin.Worker) (admin.Worker, bool) {
	if g.user.SeesAll() {
		return w, true
	}
	w.Queues = maps.Clone(w.Queues)
	maps.DeleteFunc(w.Queues, func(name string, _ int) bool { return !g.user.SeesSome(name) })
	w.Jobs = slices.DeleteFunc(slices.Clone(w.Jobs), func(j admin.RunningJob) bool { return !g.user.Sees(j.Queue, j.Kind) })
	w.QueueCount, w.Kinds, w.KindCount, w.AnyKind = len(w.Queues), nil, 0, false
	w.Running, w.Stuck = len(w.Jobs), 0 // whose others are, nobody says
	return w, len(w.Queues) > 0
}

// schedule gives a schedule without what the user does not see of it.
func (g *gate) schedule(s *admin.Schedule) *admin.Schedule {
	own := *s
	if !g.user.May(access.Read) {
		own.Args = nil
	} else if !g.revealed {
		own.Args, _ = g.masks.mask(own.Args)
	}
	return &own
}

// schedules gives a page of the schedules.
func (g *gate) schedules(ctx context.Context, cursor string) (*admin.SchedulePage, error) {
	page, err := g.admin.Schedules(ctx, cursor)
	if err != nil {
		return nil, err
	}
	var seen []*admin.Schedule
	for _, s := range page.Schedules {
		if g.user.Sees(s.Queue, s.Kind) {
			seen = append(seen, g.schedule(s))
		}
	}
	return &admin.SchedulePage{Schedules: seen, Next: page.Next}, nil
}

// scheduleOf gives a schedule.
func (g *gate) scheduleOf(ctx context.Context, id string) (*admin.Schedule, error) {
	s, err := g.wholeSchedule(ctx, id)
	if err != nil {
		return nil, err
	}
	return g.schedule(s), nil
}

// wholeSchedule gives a schedule with its arguments as they are, to be changed and not shown.
func (g *gate) wholeSchedule(ctx context.Context, id string) (*admin.Schedule, error) {
	s, err := g.admin.Schedule(ctx, id)
	if err != nil {
		return nil, err
	}
	if !g.user.Sees(s.Queue, s.Kind) {
		return nil, notThere("schedule", id)
	}
	return s, nil
}

// history gives the last ticks of a schedule that the user sees.
func (g *gate) history(ctx context.Context, id string) ([]admin.Tick, error) {
	ticks, err := g.admin.ScheduleHistory(ctx, id)
	if !g.user.May(access.Read) {
		for i := range ticks {
			ticks[i].Error = ""
		}
	}
	return ticks, err
}

// actions gives those of which the user sees all jobs.
func (g *gate) actions(ctx context.Context) ([]*admin.Action, error) {
	all, err := g.admin.Actions(ctx)
	if err != nil {
		return nil, err
	}
	return slices.DeleteFunc(all, func(x *admin.Action) bool { return !g.covers(admin.Filter{Where: x.Filter}) }), nil
}

// action gives one of them.
func (g *gate) action(ctx context.Context, id string) (*admin.Action, error) {
	x, err := g.admin.Action(ctx, id)
	if err != nil {
		return nil, err
	}
	if !g.covers(admin.Filter{Where: x.Filter}) {
		return nil, notThere("action", id)
	}
	return x, nil
}

// mayTouch refuses what an action is to be done to where that is out of the user's scope.
func (g *gate) mayTouch(ctx context.Context, a action, t target) error {
	switch a.On {
	case onQueue:
		if !g.user.SeesQueue(t.Name) {
			return notThere("queue", t.Name)
		}
	case onJob:
		if g.user.SeesQueue(t.Queue) {
			return nil // whatever its kind
		}
		_, err := g.job(ctx, t.Queue, t.Name)
		return err
	case onSchedule:
		if g.user.SeesAll() {
			return nil
		}
		_, err := g.scheduleOf(ctx, t.Name)
		return err
	case onLimit:
		_, err := g.limit(ctx, t.Name)
		return err
	case onFlow:
		_, err := g.flow(ctx, t.Name)
		return err
	case onAction:
		_, err := g.action(ctx, t.Name)
		return err
	case onAll:
		if !g.covers(t.Filter) {
			return refuse(http.StatusForbidden, "The filter means jobs that are out of your scope. Name a queue and kind of yours.")
		}
	default:
		return errors.New("the action is done to nothing that is known")
	}
	return nil
}
