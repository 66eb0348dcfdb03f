package admin

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/drayhorse/drayhorse"
	"github.com/drayhorse/drayhorse/internal/jobs"
	"github.com/drayhorse/drayhorse/internal/registry"
)

// Gates, which say what a Reason is about.
const (
	GateScheduled = "scheduled" // it is not due yet
	GateRetry     = "retry"     // it has failed, and is tried again later
	GatePaused    = "paused"    // its queue is paused, or its kind
	GateRest      = "rest"      // a handler of its kind has asked for a rest: see drayhorse.RateLimited
	GateLimit     = "limit"     // a limit lets no job start
	GateBreaker   = "breaker"   // the breaker of a limit does, since too many jobs have failed
	GateWorkers   = "workers"   // no worker would claim it
	GateSlots     = "slots"     // all workers that would are busy
	GateParked    = "parked"    // it is set aside until a worker that serves its kind is free
	GateSuspect   = "suspect"   // workers died with it, so it is tried with care
	GatePriority  = "priority"  // others of a higher priority are in line
	GateGroup     = "group"     // other groups take turns with its own
	GateLine      = "line"      // others are in front of it, or it is next
	GateRunning   = "running"   // it runs
	GateEnded     = "ended"     // it has ended
)

// Reason is one thing that keeps a job from running now.
type Reason struct {
	Gate   string    `json:"gate"`           // one of the gates
	Detail string    `json:"detail"`         // in words
	Since  time.Time `json:"since,omitzero"` // zero: not known
	Until  time.Time `json:"until,omitzero"` // zero: nobody can say
}

// Explanation says why a job does not run, or that it does or did.
type Explanation struct {
	ID    string          `json:"id"`
	Queue string          `json:"queue"`
	State drayhorse.State `json:"state"`
	Now   time.Time       `json:"now"` // by Redis's clock: all of it holds at that moment
	// Why is all that keeps it, what tells most in front: each has to end before the job runs.
	Why []Reason `json:"why"`
}

// Explain says why a job does not run, by what queues, limits and workers are like at that
// moment; what workers say of themselves may be 5 s old. queue and errors are those of Get.
func (a *Admin) Explain(ctx context.Context, queue, id string) (*Explanation, error) {
	return a.explain(ctx, queue, id, a.registry.List)
}

// explain says it by the workers that list gives, which are looked at once for many jobs.
func (a *Admin) explain(ctx context.Context, queue, id string, list func(context.Context) ([]registry.Worker, error)) (*Explanation, error) {
	var x *Explanation
	err := a.find(ctx, queue, id, func(p *jobs.Partition, stored string) error {
		info, err := p.Get(ctx, stored)
		if err != nil {
			return err
		}
		hold, err := p.Explain(ctx, stored)
		if err != nil {
			return err
		}
		if !info.State.Ended() && hold.State == "" || hold.State != "" && hold.State != info.State { // it moved in between
			if info, err = p.Get(ctx, stored); err != nil {
				return err
			}
			if hold, err = p.Explain(ctx, stored); err != nil {
				return err
			}
		}
		x = &Explanation{ID: info.ID, Queue: info.Queue, State: info.State, Now: hold.Now}
		x.Why, err = a.reasons(ctx, info, hold, list)
		return err
	})
	return x, err
}

// reasons lists what holds a job up.
func (a *Admin) reasons(ctx context.Context, info *drayhorse.Info, hold *jobs.Hold, list func(context.Context) ([]registry.Worker, error)) ([]Reason, error) {
	if info.State.Ended() {
		return []Reason{{Gate: GateEnded, Detail: ending(info), Since: info.FinishedAt}}, nil
	}
	workers, err := list(ctx)
	if err != nil {
		return nil, err
	}
	if info.State == drayhorse.Running {
		return []Reason{running(info, hold, workers)}, nil
	}
	var why []Reason
	if r, waits := dueLater(info, hold); waits {
		why = append(why, r)
	}
	paused, err := a.paused(ctx, info, hold)
	if err != nil {
		return nil, err
	}
	why = append(why, paused...)
	if !hold.Rest.IsZero() {
		why = append(why, Reason{Gate: GateRest, Detail: "a handler of kind " + info.Kind + " has asked for a rest", Until: hold.Rest})
	}
	shut, err := a.shut(ctx, info, hold)
	if err != nil {
		return nil, err
	}
	why = append(why, shut...)
	none := registry.WhyWaits(workers, info.Queue, info.Kind)
	switch {
	case hold.Parked:
		why = append(why, Reason{Gate: GateParked, Detail: cmp.Or(none, "it is set aside until a worker that serves kind "+info.Kind+" is free") + " (parked)"})
	case none != "":
		why = append(why, Reason{Gate: GateWorkers, Detail: none})
	}
	if none == "" {
		if slots, workers, busy := registry.Slots(workers, info.Queue, info.Kind); busy {
			why = append(why, Reason{Gate: GateSlots, Detail: fmt.Sprintf("all %s of the %s that would run it are taken", plural(slots, "slot"), plural(workers, "worker"))})
		}
	}
	if hold.Suspect {
		why = append(why, Reason{Gate: GateSuspect, Detail: fmt.Sprintf("its workers died %s, so it waits for one that tries it with few others", plural(info.Rescues, "time"))})
	}
	if info.State == drayhorse.Available {
		why = append(why, inLine(info, hold)...)
	}
	return why, nil
}

// inLine says what starts before a job that is in line.
func inLine(info *drayhorse.Info, hold *jobs.Hold) (why []Reason) {
	higher := " in line with a higher priority than " + info.Priority.String()
	if hold.Above > 0 {
		why = append(why, Reason{Gate: GatePriority, Detail: are(hold.Above) + higher})
	}
	switch {
	case hold.GroupsAbove == 1:
		why = append(why, Reason{Gate: GatePriority, Detail: "jobs of a group are" + higher})
	case hold.GroupsAbove > 1:
		why = append(why, Reason{Gate: GatePriority, Detail: fmt.Sprintf("jobs of %d groups are%s", hold.GroupsAbove, higher)})
	}
	its := "group " + info.Group
	if info.Group == "" {
		its = "jobs of no group"
	}
	switch {
	case hold.Turns == 1:
		why = append(why, Reason{Gate: GateGroup, Detail: "another group takes turns with " + its})
	case hold.Turns > 1:
		why = append(why, Reason{Gate: GateGroup, Detail: fmt.Sprintf("%d other groups take turns with %s", hold.Turns, its)})
	}
	if hold.Line > 0 { // one that is aside is in no line
		why = append(why, Reason{Gate: GateLine, Detail: place(info, hold), Since: info.EnqueuedAt})
	}
	return why
}

// ending says how a job has ended.
func ending(info *drayhorse.Info) string {
	text := "it is " + string(info.State)
	if n := len(info.Errors); n > 0 && info.State != drayhorse.Completed {
		first, _, _ := strings.Cut(info.Errors[n-1].Message, "\n")
		text += ": " + first
	}
	return text
}

// running says where a job runs.
func running(info *drayhorse.Info, hold *jobs.Hold, workers []registry.Worker) Reason {
	r := Reason{Gate: GateRunning, Detail: fmt.Sprintf("attempt %d runs", info.Attempt)}
	for i := range workers {
		for _, job := range workers[i].Jobs {
			if job.ID == info.ID && job.Queue == info.Queue {
				r.Detail += fmt.Sprintf(" on %s, process %d", workers[i].Host, workers[i].PID)
				r.Since = job.Since
			}
		}
	}
	if hold.Cancelled {
		r.Detail += "; it was told to end"
	}
	return r
}

// dueLater says that a job waits for its time.
func dueLater(info *drayhorse.Info, hold *jobs.Hold) (Reason, bool) {
	late := hold.Now.Sub(hold.DueAt)
	r := Reason{Until: hold.DueAt}
	switch info.State {
	case drayhorse.Scheduled:
		r.Gate, r.Since, r.Detail = GateScheduled, info.EnqueuedAt, "it is scheduled for later"
	case drayhorse.Retryable:
		r.Gate, r.Detail = GateRetry, fmt.Sprintf("attempt %d of %d is due later", info.Attempt, info.MaxAttempts)
		if n := len(info.Errors); n > 0 {
			first, _, _ := strings.Cut(info.Errors[n-1].Message, "\n")
			r.Since = info.Errors[n-1].At
			r.Detail += "; the last one failed: " + first
		}
	default:
		return r, false
	}
	if late >= 0 {
		r.Until = time.Time{}
		r.Detail = "it is due, and the next worker that claims from the queue puts it in line"
	}
	return r, true
}

// paused lists the pauses that hold a job up.
func (a *Admin) paused(ctx context.Context, info *drayhorse.Info, hold *jobs.Hold) ([]Reason, error) {
	if !hold.Paused && !hold.KindPaused && !hold.GroupPaused && !hold.BothPaused {
		return nil, nil
	}
	q, err := a.Queue(ctx, info.Queue)
	if errors.Is(err, drayhorse.ErrNotFound) { // deleted since
		return nil, nil
	} else if err != nil {
		return nil, err
	}
	var why []Reason
	for i := range q.Pauses {
		p := &q.Pauses[i]
		holds := hold.Paused && p.Kind == "" && p.Group == "" ||
			hold.KindPaused && p.Kind == info.Kind && p.Group == "" ||
			hold.GroupPaused && p.Kind == "" && p.Group == info.Group ||
			hold.BothPaused && p.Kind == info.Kind && p.Group == info.Group
		if holds {
			why = append(why, Reason{Gate: GatePaused, Detail: p.text(info.Queue), Since: p.At})
		}
	}
	return why, nil
}

// shut lists the limits of its queue that let a job not start.
func (a *Admin) shut(ctx context.Context, info *drayhorse.Info, hold *jobs.Hold) ([]Reason, error) {
	if len(hold.Shut) == 0 {
		return nil, nil
	}
	partitions, err := a.queue(ctx, info.Queue)
	if errors.Is(err, drayhorse.ErrNotFound) { // deleted since
		return nil, nil
	} else if err != nil {
		return nil, err
	}
	all, err := a.engine.Limits(ctx, jobs.PartitionOf(partitions, jobs.PackID(info.ID)))
	if err != nil {
		return nil, err
	}
	var why []Reason
	for _, s := range hold.Shut {
		r := Reason{Gate: GateLimit, Detail: "limit " + s.Limit, Until: s.Opens}
		for _, l := range all {
			if l.Name != s.Limit {
				continue
			}
			of := ""
			if l.PerGroup {
				of = " of group " + info.Group
			}
			switch {
			case s.Breaker == drayhorse.BreakerOpen:
				_, _, _, _, probes, _ := l.Breaker.Terms()
				r.Gate, r.Detail = GateBreaker, r.Detail+": its breaker is open, since too many jobs failed; then "+plural(probes, "job")+" will be tried"
			case s.Breaker == drayhorse.BreakerHalfOpen:
				r.Gate, r.Detail = GateBreaker, r.Detail+": its breaker waits for the jobs that are tried"
			case l.Shared && s.Opens.IsZero() && l.Most < l.Concurrency || l.Shared && l.Concurrency == 0 && l.Burst == 0:
				r.Detail += share(l, s.Run, info.Queue)
			case s.Opens.IsZero():
				r.Detail += fmt.Sprintf(": %d of %d%s run", s.Run, l.Concurrency, of)
			default:
				r.Detail += fmt.Sprintf(": %s, and so many%s have started", l.Rate, of)
			}
			if l.By != "" {
				r.Detail += ", as " + l.By + " has set it"
			}
			if l.Why != "" {
				r.Detail += " (" + l.Why + ")"
			}
		}
		why = append(why, r)
	}
	return why, nil
}

// share says why a limit that is shared lets none start in a partition of a queue.
func share(l *jobs.Declared, run int, queue string) string {
	others := "other queues"
	if l.Queue != "" {
		others = "other partitions of queue " + queue
	}
	switch {
	case l.Concurrency > 0 && l.Most > 0:
		return fmt.Sprintf(": %d of %d run here, and %s have the rest of %d", run, l.Most, others, l.Concurrency)
	case l.Concurrency > 0:
		return fmt.Sprintf(": %s have all %d of it for now", others, l.Concurrency)
	}
	return fmt.Sprintf(": %s, and %s have all of it for now", l.Rate, others)
}

// place says where in its line a job is.
func place(info *drayhorse.Info, hold *jobs.Hold) string {
	of := ""
	if info.Group != "" {
		of = " of its group"
	}
	switch {
	case hold.Ahead < 0:
		return fmt.Sprintf("it is far back in a line of %s", plural(hold.Line, "job"))
	case hold.Ahead == 0 && hold.Above+hold.GroupsAbove > 0:
		return "it is the next one of its priority" + strings.Replace(of, " of", " and", 1)
	case hold.Ahead == 0 && of != "":
		return "it is the next one" + of
	case hold.Ahead == 0:
		return "it is next in line"
	}
	return are(hold.Ahead) + " in line ahead of it" + strings.Replace(of, " of", " in", 1)
}

func are(n int) string {
	if n == 1 {
		return "1 job is"
	}
	return fmt.Sprintf("%d jobs are", n)
}

func plural(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}
