package flows

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/drayhorse/drayhorse"
	"github.com/drayhorse/drayhorse/flow"
	"github.com/drayhorse/drayhorse/internal/jobs"
	"github.com/drayhorse/drayhorse/internal/redis"
	"github.com/drayhorse/drayhorse/internal/steps"
)

// Parent is a job whose handler has jobs of its own: a flow for each of its steps that has some.
type Parent struct {
	Partition  *jobs.Partition
	ID         string // as stored
	EnqueuedAt time.Time
}

// childrenRetain is for how long the jobs of a step are known once all have ended: longer than most
// jobs go on, since their results are read anew by each later attempt.
const childrenRetain = 30 * 24 * time.Hour

// flowID is that of the flow of a step. It tells jobs of one ID apart by when they were enqueued.
func (p *Parent) flowID(step string) string {
	name := fmt.Sprintf("%s|%d|%s|%s", p.Partition.Queue, p.EnqueuedAt.UnixMilli(), p.ID, step)
	return uuid.NewSHA1(uuid.NameSpaceOID, []byte(name)).String()
}

// Children gives what the jobs of a step have come to, in their order; nil
// while some have not ended. It enqueues them if nobody has: what was enqueued first counts. When all have ended
// the job gets a signal of the step's name.
func (s *Store) Children(ctx context.Context, p *Parent, step string, specs []drayhorse.Spec) ([]steps.Child, error) {
	id := p.flowID(step)
	info, err := s.Get(ctx, id)
	if errors.Is(err, drayhorse.ErrNotFound) || err == nil && info.State == flow.Draft {
		f := flow.New(id)
		f.Retain = childrenRetain
		for i, spec := range specs {
			f.Step(strconv.Itoa(i), spec.Args, spec.Options...)
		}
		info, err = s.begin(ctx, f, Source(p.Partition)+"|"+step+"|"+p.ID, nil, drayhorse.DefaultMaxArgs)
		if err == nil {
			_ = s.Drain(ctx, id) // or a worker does
		}
	}
	if err != nil || info.EndedAt.IsZero() {
		return nil, err
	}
	return s.outcomes(ctx, info)
}

// resultsAtOnce is of how many steps one round trip reads the results.
const resultsAtOnce = 16

// outcomes gives what the jobs of a step have come to.
func (s *Store) outcomes(ctx context.Context, info *flow.Info) ([]steps.Child, error) {
	all, err := s.Steps(ctx, info.ID, info.CreatedAt, info.Total)
	if err != nil {
		return nil, err
	}
	ended := make([]steps.Child, len(all))
	for first := 0; first < len(all); first += resultsAtOnce {
		some := all[first:min(first+resultsAtOnce, len(all))]
		calls := make([]redis.Call, len(some))
		for i, step := range some {
			calls[i] = s.callOn(resultScript, info.ID, info.CreatedAt.UnixMilli(), step.Name)
		}
		for i, reply := range s.client.RunAll(ctx, calls) {
			if reply.Err != nil {
				return nil, failure(resultScript, reply.Err)
			}
			at, err := strconv.Atoi(some[i].Name)
			if err != nil || at >= len(ended) {
				return nil, fmt.Errorf("flow %s has a step %q; want numbers", info.ID, some[i].Name)
			}
			child := steps.Child{FlowID: info.ID, JobID: some[i].JobID, State: some[i].State}
			if list := redis.AsStrings(reply.Value); child.State == flow.StepCompleted && (len(list) != 2 || list[1] != "") {
				child.Result, child.Err = decodeResult(info.ID, some[i].Name, list)
			}
			ended[at] = child
		}
	}
	return ended, nil
}

// wake tells a job that the flow of one of its steps has ended. One that is gone, or cannot be told, looks for
// itself, or need not know.
func wake(ctx context.Context, p *jobs.Partition, o op) error {
	name, id, _ := strings.Cut(o.what, "|")
	signal, err := jobs.NewSignal(name, nil, []flow.SignalOption{flow.Key(o.id)})
	if err != nil {
		return err
	}
	_, err = p.Signal(ctx, id, signal)
	if errors.Is(err, drayhorse.ErrUnavailable) {
		return err
	}
	return nil
}
