package producer

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/drayhorse/drayhorse"
	"github.com/drayhorse/drayhorse/internal/jobs"
)

// ManyError is the error of an EnqueueMany of which some specs are not known to be
// stored: those that have no Info. With IDs of the caller's own it is safe to enqueue
// them again. It wraps what went wrong.
type ManyError struct {
	Stored  int   // how many specs are stored, or were before
	Unknown []int // the indexes of the others, in ascending order
	Full    []int // of these, those that were not stored for sure: their queues are full
	Err     error

	reasons []error // of those in Full
}

func (e *ManyError) Error() string {
	if len(e.Full) == len(e.Unknown) {
		return fmt.Sprintf("%d of %d specs are stored; not %s: %v", e.Stored, e.Stored+len(e.Unknown), spans(e.Unknown), e.Err)
	}
	return fmt.Sprintf("%d of %d specs are stored; not known of %s: %v",
		e.Stored, e.Stored+len(e.Unknown), spans(e.Unknown), e.Err)
}

// Unwrap gives what went wrong.
func (e *ManyError) Unwrap() error { return e.Err }

// maxSpans is how many of them an error names.
const maxSpans = 5

// spans writes numbers as in "spec 1, 4-9 and 30 more".
func spans(numbers []int) string {
	var parts []string
	for i := 0; i < len(numbers); {
		if len(parts) == maxSpans {
			return fmt.Sprintf("spec %s and %d more", strings.Join(parts, ", "), len(numbers)-i)
		}
		first := i
		for i++; i < len(numbers) && numbers[i] == numbers[i-1]+1; i++ {
		}
		if i-first == 1 {
			parts = append(parts, fmt.Sprint(numbers[first]))
		} else {
			parts = append(parts, fmt.Sprintf("%d-%d", numbers[first], numbers[i-1]))
		}
	}
	return "spec " + strings.Join(parts, ", ")
}

// EnqueueMany stores jobs of any kinds and queues in few round trips and gives their
// Infos in the order of the specs. All specs are validated first: a bad one refuses
// all, and the error names its index. After any other error some of the jobs may be
// stored: those that are known to be have an Info, the others nil, and a ManyError
// tells which they are; but for those that are Unique with Reject, which have the Info of
// the other and are drayhorse.ErrDuplicate. On a Cluster, what goes to one node neither waits for what
// goes to another nor fails with it.
func (p *Producer) EnqueueMany(ctx context.Context, specs []drayhorse.Spec) ([]*drayhorse.Info, error) {
	if len(specs) > MaxMany {
		return nil, fmt.Errorf("%w: %d specs at once; want at most %d", drayhorse.ErrInvalid, len(specs), MaxMany)
	}
	all, queues, err := p.prepareAll(specs)
	if err != nil {
		return nil, err
	}
	if err := p.enter(); err != nil {
		return nil, err
	}
	defer p.leave()
	end := p.watch(ctx, all, queues)
	infos, err := p.enqueueMany(ctx, all, queues, nil)
	end(infos, err)
	return infos, err
}

// enqueueMany stores jobs, each in its queue. ready is called before, with where they go; nil: it
// is not.
func (p *Producer) enqueueMany(ctx context.Context, all []*jobs.NewJob, queues []string, ready func(context.Context, []*group) error) ([]*drayhorse.Info, error) {
	groups, failed, err := p.group(ctx, all, queues)
	if err != nil {
		return nil, err
	}
	if ready != nil {
		if err := ready(ctx, groups); err != nil {
			return make([]*drayhorse.Info, len(all)), errors.Join(append(failed, err)...)
		}
	}
	nodes := map[string][]*group{}
	for _, g := range groups {
		addr, _ := g.part.Node(ctx) // those whose node is not known go together
		nodes[addr] = append(nodes[addr], g)
	}
	infos, full := make([]*drayhorse.Info, len(all)), make([]error, len(all)) // why there was no room
	var mu sync.Mutex
	var sending sync.WaitGroup
	for _, groups := range nodes {
		sending.Go(func() {
			errs := p.enqueueNode(ctx, groups, infos, full)
			mu.Lock()
			defer mu.Unlock()
			failed = append(failed, errs...)
		})
	}
	sending.Wait()
	return infos, explain(infos, full, failed)
}

// OnlyRejected reports whether an EnqueueMany has settled all its specs, and all that its
// error tells is that some were rejected, since others count as the same, or refused, since
// their queues are full: those have no Info.
func OnlyRejected(infos []*drayhorse.Info, err error) bool {
	refused := Refused(err)
	for i, info := range infos {
		if info == nil && refused[i] == nil {
			return false
		}
	}
	return (len(refused) > 0 || errors.Is(err, drayhorse.ErrDuplicate)) && !errors.Is(err, drayhorse.ErrNotReplicated)
}

// Refused gives the specs of an EnqueueMany that were not stored because their queues are
// full, by index, with the reason.
func Refused(err error) map[int]error {
	many, ok := errors.AsType[*ManyError](err)
	if !ok || len(many.Full) == 0 {
		return nil
	}
	refused := make(map[int]error, len(many.Full))
	for n, i := range many.Full {
		refused[i] = many.reasons[n]
	}
	return refused
}

// explain says what went wrong, and with which specs.
func explain(infos []*drayhorse.Info, full []error, failed []error) error {
	err := distinct(append(failed, full...))
	if err == nil {
		return nil
	}
	var unknown, refused []int
	var reasons []error
	for i, info := range infos {
		if info == nil {
			unknown = append(unknown, i)
		}
		if full[i] != nil {
			refused, reasons = append(refused, i), append(reasons, full[i])
		}
	}
	if len(unknown) == 0 { // stored, but not confirmed by replicas
		return err
	}
	return &ManyError{Stored: len(infos) - len(unknown), Unknown: unknown, Full: refused, Err: err, reasons: reasons}
}

// distinct joins errors, each text once.
func distinct(errs []error) error {
	said := map[string]bool{}
	var some []error
	for _, err := range errs {
		if err != nil && !said[err.Error()] {
			said[err.Error()] = true
			some = append(some, err)
		}
	}
	return errors.Join(some...)
}

// group is the part of an EnqueueMany that goes one way.
type group struct {
	route  *route
	part   *jobs.Partition
	writer *jobs.Writer
	jobs   []*jobs.NewJob
	index  []int // of each in the specs
}

// group sorts jobs by the writers they take, in the order of the specs. A queue whose
// route cannot be had keeps the others from nothing. The error refuses all, and names a spec.
func (p *Producer) group(ctx context.Context, all []*jobs.NewJob, queues []string) (groups []*group, failed []error, err error) {
	type way struct {
		part    *jobs.Partition
		durable bool
	}
	p.meet(ctx, queues)
	chosen := map[way]*group{} // one writer a partition keeps the order
	refused := map[string]bool{}
	var r *route
	for i, job := range all {
		if refused[queues[i]] {
			continue
		}
		if i == 0 || queues[i] != queues[i-1] || r == nil {
			if r, err = p.route(ctx, queues[i]); err != nil {
				refused[queues[i]] = true
				failed = append(failed, fmt.Errorf("queue %s: %w", queues[i], err))
				continue
			}
		}
		part, err := r.place(job)
		if err != nil {
			return nil, nil, fmt.Errorf("spec %d: %w", i, err)
		}
		w := way{part, job.Durable > 0}
		g := chosen[w]
		if g == nil {
			g = &group{route: r, part: part, writer: r.writer(part, job)}
			chosen[w] = g
			groups = append(groups, g)
		}
		g.jobs, g.index = append(g.jobs, job), append(g.index, i)
	}
	return groups, failed, nil
}

// enqueueNode stores the groups that go to one server. Once it is known to be away,
// the rest is not tried.
func (p *Producer) enqueueNode(ctx context.Context, groups []*group, infos []*drayhorse.Info, full []error) []error {
	errs := make([]error, len(groups))
	var away atomic.Bool
	beside(maxGroups, len(groups), func(i int) {
		if away.Load() {
			return // the one that failed says why
		}
		errs[i] = p.enqueueGroup(ctx, groups[i], infos, full)
		if errors.Is(errs[i], drayhorse.ErrUnavailable) && !errors.Is(errs[i], drayhorse.ErrFull) {
			away.Store(true)
		}
	})
	return errs
}

func (p *Producer) enqueueGroup(ctx context.Context, g *group, infos []*drayhorse.Info, full []error) error {
	if err := g.route.check(ctx, g.part); err != nil {
		return err
	}
	defer p.keeper.note(g.route)
	var duplicates []string
	var at []int
	reject := map[int]bool{} // of duplicates
	next := 0
	err := g.writer.EnqueueEach(ctx, g.jobs, func(some []jobs.Stored) {
		var room []drayhorse.Info
		for i, stored := range some {
			switch {
			case stored.Full:
				full[g.index[next]] = g.part.FullError(stored)
			case stored.Ended:
				full[g.index[next]] = errEnded(g.jobs[next])
			case stored.Duplicate:
				reject[len(duplicates)] = stored.Rejected
				duplicates, at = append(duplicates, cmp.Or(stored.Other, g.jobs[next].ID)), append(at, g.index[next])
			default:
				if len(room) == 0 {
					room = make([]drayhorse.Info, min(len(some)-i, infosTogether))
				}
				room[0] = fresh(g.part, g.jobs[next], stored)
				infos[g.index[next]], room = &room[0], room[1:]
			}
			next++
		}
	})
	known, knownErr := existing(ctx, g.part, duplicates)
	errs := []error{err, knownErr}
	for i, info := range known {
		infos[at[i]] = info
		if reject[i] {
			errs = append(errs, fmt.Errorf("spec %d: %w", at[i], rejected(info)))
		}
	}
	return errors.Join(errs...)
}

// infosTogether is how many Infos of an EnqueueMany are made at once. Who keeps one
// keeps the others from being collected.
const infosTogether = 32

// maxGroups is how many partitions an EnqueueMany writes to at once, on each server:
// more would wait for connections, and some of them in vain.
const maxGroups = 8

// beside calls do for each number below n, at most limit of them beside each other.
func beside(limit, n int, do func(i int)) {
	var next atomic.Int64
	var helpers sync.WaitGroup
	work := func() {
		for i := int(next.Add(1)) - 1; i < n; i = int(next.Add(1)) - 1 {
			do(i)
		}
	}
	for range min(limit, n) - 1 {
		helpers.Go(work)
	}
	work()
	helpers.Wait()
}

// prepareAll validates specs. Of many, each CPU takes a part: the encoding of the
// arguments is most of what an EnqueueMany costs.
func (p *Producer) prepareAll(specs []drayhorse.Spec) ([]*jobs.NewJob, []string, error) {
	const part = 1000
	all, queues := make([]*jobs.NewJob, len(specs)), make([]string, len(specs))
	errs := make([]error, (len(specs)+part-1)/part)
	now := p.client.Now()
	prepare := func(n int) {
		first, end := n*part, min((n+1)*part, len(specs))
		room := make([]jobs.Made, end-first)
		for i := first; i < end; i++ {
			job, queue, err := p.prepare(&room[i-first], specs[i].Args, specs[i].Options, now)
			if err != nil {
				errs[n] = fmt.Errorf("spec %d: %w", i, err)
				return
			}
			all[i], queues[i] = job, queue
		}
	}
	beside(runtime.GOMAXPROCS(0), len(errs), prepare)
	for _, err := range errs {
		if err != nil {
			return nil, nil, err
		}
	}
	for i, job := range all {
		if job == nil { // the goroutine that was at it has gone
			return nil, nil, fmt.Errorf("%w: spec %d: its Kind or MarshalJSON calls runtime.Goexit", drayhorse.ErrInvalid, i)
		}
	}
	return all, queues, nil
}
