package admin

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/drayhorse/drayhorse"
	"github.com/drayhorse/drayhorse/internal/filter"
	"github.com/drayhorse/drayhorse/internal/jobs"
	"github.com/drayhorse/drayhorse/internal/lock"
	"github.com/drayhorse/drayhorse/internal/logs"
)

const (
	stepJobs   = 50      // of one step
	stepBytes  = 1 << 20 // about, of the jobs that a step looks at
	blankSteps = 20      // looks without a match, of which nothing is noted
	noteEvery  = 250 * time.Millisecond
	lookEvery  = 300 * time.Millisecond // at an action that another runs
	takeEvery  = 5 * time.Second        // at actions that nobody runs
	awayPause  = 500 * time.Millisecond // while Redis is away
)

// RunAction runs an action from where it stands, unless somebody else does, and waits until it
// has ended; each, if not nil, is called with how far it has come, some times a second. Where ctx
// ends it is left where it stands. The error is drayhorse.ErrNotFound, ErrUnavailable or ctx's.
func (a *Admin) RunAction(ctx context.Context, id string, each func(*Action)) (*Action, error) {
	for {
		action, err := a.Action(ctx, id)
		if err != nil || action.Ended() {
			return action, err
		}
		if each != nil {
			each(action)
		}
		err = a.tryAction(ctx, id, each)
		switch {
		case ctx.Err() != nil:
			return action, context.Cause(ctx)
		case errors.Is(err, lock.ErrLocked):
			if !pause(ctx, lookEvery) {
				return action, context.Cause(ctx)
			}
		case err != nil && !errors.Is(err, drayhorse.ErrLeaseLost):
			return action, err
		}
	}
}

// tryAction runs an action unless somebody else does: the error is lock.ErrLocked then.
func (a *Admin) tryAction(ctx context.Context, id string, each func(*Action)) error {
	return a.locks.Try(ctx, id, func(ctx context.Context, token int64) error {
		r := &actionRun{a: a, token: token, each: each}
		return r.run(ctx, id)
	})
}

// RunActions runs the actions that nobody runs, such as those of processes that died, until ctx
// ends: several at once. Any number of processes may. It rides out a Redis that is away, and
// returns nil.
func (a *Admin) RunActions(ctx context.Context) error {
	var running sync.Map
	var work sync.WaitGroup
	defer work.Wait()
	for {
		ids, err := a.actions.Open(ctx)
		if err != nil && ctx.Err() == nil {
			a.log.DebugContext(ctx, "actions are not looked at", logs.Error, err)
		}
		for _, id := range ids {
			if _, runs := running.LoadOrStore(id, true); runs {
				continue
			}
			work.Go(func() {
				defer running.Delete(id)
				err := a.tryAction(ctx, id, nil)
				if err != nil && ctx.Err() == nil && !errors.Is(err, lock.ErrLocked) {
					a.log.WarnContext(ctx, "action is left where it stands", "action", id, logs.Error, err)
				}
			})
		}
		if !pause(ctx, takeEvery) {
			return nil
		}
	}
}

func pause(ctx context.Context, d time.Duration) bool {
	select {
	case <-time.After(d):
		return true
	case <-ctx.Done():
		return false
	}
}

// actionRun is one run of an action, under one token.
type actionRun struct {
	a     *Admin
	token int64
	each  func(*Action)

	record
	*plan

	part   jobs.ActionStanding // of the partition that it is at
	limit  int                 // jobs of the next step
	noted  time.Time
	stop   string // who wants it stopped
	looked int    // since the last step, of which nothing is noted
	blank  int    // looks since then
}

// errStopped: somebody wants the action stopped.
var errStopped = errors.New("stopped")

// run runs an action to its end. The error is that it has to be left where it stands.
func (r *actionRun) run(ctx context.Context, id string) error {
	row, err := r.a.actions.Get(ctx, id)
	if err != nil || !row.EndedAt.IsZero() {
		return err
	}
	rec, err := recordOf(row)
	if err != nil {
		return err
	}
	r.record, r.limit = *rec, stepJobs
	r.Runner = r.a.locks.Identity()
	f := Filter{Where: r.Where}
	if r.plan, err = r.a.plan(r.Verb, &f); err == nil {
		// What was said as how long ago counts from the beginning.
		r.where, err = filter.Parse(r.Where, r.BegunAt)
	}
	if err == nil {
		err = r.note(ctx, false)
	}
	if err == nil {
		err = r.partitions(ctx)
	}
	switch {
	case err == nil:
		r.State = ActionDone
	case errors.Is(err, errStopped):
		r.State, r.StoppedBy = ActionStopped, r.stop
	case ctx.Err() != nil, errors.Is(err, drayhorse.ErrLeaseLost), errors.Is(err, drayhorse.ErrUnavailable), errors.Is(err, jobs.ErrStale):
		return err
	default:
		r.State, r.Problem = ActionFailed, err.Error()
	}
	if err := r.note(ctx, true); err != nil {
		return err
	}
	r.a.log.InfoContext(ctx, "action ended", r.about()...)
	r.a.did("action ended", r.event())
	return nil
}

// partitions goes from one partition to the next, from where the action stands.
func (r *actionRun) partitions(ctx context.Context) error {
	// Whatever comes into its state from now on does so at a later ms than it began.
	if !pause(ctx, 2*time.Millisecond) {
		return ctx.Err()
	}
	var sizes []size
	if err := r.patiently(ctx, func() (err error) {
		sizes, err = r.a.sizes(ctx, r.plan)
		if errors.Is(err, drayhorse.ErrNotFound) { // deleted since
			err = nil
		}
		return err
	}); err != nil {
		return err
	}
	var last *jobs.Partition // what was noted there goes when what follows is noted
	for _, s := range sizes {
		at := position{Queue: s.part.Queue, Partition: s.part.Index}
		behind := at.Queue < r.At.Queue || at.Queue == r.At.Queue && at.Partition < r.At.Partition
		if behind {
			last = s.part
			continue
		}
		if s.n == 0 && at != r.At {
			continue // and what comes is later than the action
		}
		r.Done, r.At, r.part = r.sum(), at, jobs.ActionStanding{}
		if err := r.note(ctx, false); err != nil {
			return err
		}
		r.forget(ctx, last)
		last = s.part
		if err := r.partition(ctx, s.part); err != nil {
			return err
		}
	}
	r.Done, r.At, r.part = r.sum(), position{Queue: "~"}, jobs.ActionStanding{} // behind all queues
	if err := r.note(ctx, false); err != nil {
		return err
	}
	r.forget(ctx, last)
	return nil
}

// forget removes what was noted in a partition. Where that fails a key stays, which the end of
// its queue removes.
func (r *actionRun) forget(ctx context.Context, p *jobs.Partition) {
	if p == nil {
		return
	}
	if err := p.ForgetAction(ctx, r.ID); err != nil {
		r.a.log.DebugContext(ctx, "action is not forgotten", "action", r.ID, logs.Queue, p.String(), logs.Error, err)
	}
}

// sum is what was done in all partitions so far.
func (r *actionRun) sum() tally {
	return tally{r.Done.Looked + r.part.Looked, r.Done.Matched + r.part.Matched, r.Done.Changed + r.part.Changed, r.Done.Failed + r.part.Failed}
}

// partition does all that is to be done in one.
func (r *actionRun) partition(ctx context.Context, p *jobs.Partition) error {
	if err := r.stand(ctx, p); err != nil {
		return err
	}
	place, cursor, err := r.place()
	if err != nil {
		return err
	}
	for place < len(r.places) {
		started := time.Now()
		err := r.step(ctx, p, &place, &cursor)
		if errors.Is(err, jobs.ErrStale) { // a reply was lost, and the step was made
			if err = r.stand(ctx, p); err == nil {
				place, cursor, err = r.place()
			}
		}
		if errors.Is(err, drayhorse.ErrUnavailable) && ctx.Err() == nil {
			if !pause(ctx, awayPause) {
				return context.Cause(ctx)
			}
			continue // from the same place: a step that was made is not made again
		}
		if err != nil {
			return err
		}
		if time.Since(r.noted) > noteEvery {
			if err := r.note(ctx, false); err != nil {
				return err
			}
		}
		// Workers have Redis for as long as the action had it.
		if !pause(ctx, max(time.Since(started), time.Millisecond)) {
			return context.Cause(ctx)
		}
	}
	return nil
}

// stand reads how far the action has come in a partition.
func (r *actionRun) stand(ctx context.Context, p *jobs.Partition) error {
	r.looked, r.blank = 0, 0
	return r.patiently(ctx, func() (err error) {
		r.part, err = p.ActionStanding(ctx, r.ID)
		return err
	})
}

// place reads where in its partition the action stands: PLACE|CURSOR.
func (r *actionRun) place() (place int, cursor string, err error) {
	if r.part.At == "" {
		return 0, "", nil
	}
	number, cursor, _ := strings.Cut(r.part.At, "|")
	if place, err = strconv.Atoi(number); err != nil || place < 0 {
		return 0, "", fmt.Errorf("action %s stands at %q, which is nowhere", r.ID, r.part.At)
	}
	return place, cursor, nil
}

// step looks at some jobs and does what is to be done to those that are meant; then place and
// cursor are those of the next step.
func (r *actionRun) step(ctx context.Context, p *jobs.Partition, place *int, cursor *string) error {
	page, err := r.look(ctx, p, r.BegunAt, r.places[*place], *cursor, r.limit)
	if err != nil {
		return err
	}
	switch {
	case page.bytes > stepBytes:
		r.limit = max(r.limit/2, 1)
	case page.bytes < stepBytes/4:
		r.limit = min(r.limit*2, stepJobs)
	}
	next, to := page.next, *place
	if next == "" {
		to++
	}
	r.looked += page.looked
	if r.blank++; len(page.meant) == 0 && r.blank < blankSteps && to < len(r.places) {
		*place, *cursor = to, next
		return nil
	}
	some := slices.Collect(slices.Chunk(page.meant, stepJobs))
	for i := range max(len(some), 1) {
		s := &jobs.ActionStep{
			Action: r.ID, Verb: jobs.Verb(r.Verb), Token: r.token, From: r.part.At, States: r.places[*place].States,
			To: fmt.Sprintf("%d|%s", *place, *cursor), // more of the same
		}
		if len(some) > 0 {
			s.Jobs = some[i]
		}
		if i >= len(some)-1 {
			s.To, s.Looked = fmt.Sprintf("%d|%s", to, next), r.looked
		}
		standing, err := p.Act(ctx, s)
		if err != nil {
			return err
		}
		r.part = standing
	}
	*place, *cursor, r.looked, r.blank = to, next, 0, 0
	return nil
}

// note writes how far the action has come, and learns whether it is to be stopped.
func (r *actionRun) note(ctx context.Context, over bool) error {
	sum := r.sum()
	r.Looked, r.Matched, r.Changed, r.Failed = sum.Looked, sum.Matched, sum.Changed, sum.Failed
	if r.Problem == "" {
		r.Problem = r.part.Problem
	}
	text, err := json.Marshal(r.record)
	if err != nil {
		return err
	}
	if err := r.patiently(ctx, func() error {
		row, stop, err := r.a.actions.Note(ctx, r.ID, r.token, over, string(text))
		if err != nil {
			return err
		}
		r.stop, r.EndedAt = stop, row.EndedAt
		return nil
	}); err != nil {
		return err
	}
	r.noted = time.Now()
	if r.each != nil {
		shown := r.Action
		r.each(&shown)
	}
	if r.stop != "" && !over {
		return errStopped
	}
	return nil
}

// patiently repeats what may be repeated while Redis is away.
func (r *actionRun) patiently(ctx context.Context, call func() error) error {
	for {
		err := call()
		if !errors.Is(err, drayhorse.ErrUnavailable) || ctx.Err() != nil {
			return err
		}
		if !pause(ctx, awayPause) {
			return context.Cause(ctx)
		}
	}
}
