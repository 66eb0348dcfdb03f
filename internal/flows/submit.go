package flows

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/drayhorse/drayhorse"
	"github.com/drayhorse/drayhorse/flow"
	"github.com/drayhorse/drayhorse/internal/jobs"
	"github.com/drayhorse/drayhorse/internal/redis"
)

// How much one call of submit stores.
const (
	maxPiece      = 200
	maxPieceBytes = 1 << 20
)

// laid is a step as submit takes it.
type laid struct{ label, job, ins, outs string }

func (l *laid) bytes() int { return len(l.label) + len(l.job) + len(l.ins) + len(l.outs) }

// Submit stores a flow and begins it, unless there is one of that ID and the same steps: then it
// gives that, with Duplicate. The errors are drayhorse.ErrInvalid; ErrDuplicate if there is another one;
// ErrFlowEnded for one that is about to be forgotten; and those of Redis.
func (s *Store) Submit(ctx context.Context, f *flow.Flow, maxArgs int) (*flow.Info, error) {
	return s.begin(ctx, f, "", nil, maxArgs)
}

// begin submits a flow whose end wakes a job, or none, and that is a member of a batch, or of none.
func (s *Store) begin(ctx context.Context, f *flow.Flow, wake string, of *parent, maxArgs int) (info *flow.Info, err error) {
	ordered, err := f.Ordered()
	if err != nil {
		return nil, err
	}
	id, err := idOr(f.ID)
	if err != nil {
		return nil, err
	}
	if f.Extends() {
		return nil, fmt.Errorf("%w: a flow with Existing steps is submitted; want flow.Extend in a step of that flow", drayhorse.ErrInvalid)
	}
	steps, digest, err := s.layOut(ctx, f, ordered, maxArgs)
	if err != nil {
		return nil, err
	}
	edges, size := 0, 0
	for i := range steps {
		edges, size = edges+len(ordered[i].Edges), size+len(steps[i].job)
	}
	retain, retainBad := retains(f.Retain)
	err = s.insist(ctx, func() error {
		return words.Failure("submit flow", s.client.HSetNX(redis.Until(ctx, time.Now().Add(jobs.Patience)), s.marker, "shards", Shards).Err())
	})
	head := []any{uuid.NewString(), digest, f.Deadline.Milliseconds(), retain.Milliseconds(), retainBad.Milliseconds(), wake, of.String(), len(steps), edges, size}
	for first := 0; err == nil && first < len(steps); {
		n, size := 0, 0
		for first+n < len(steps) && n < s.piece && (n == 0 || size+steps[first+n].bytes() <= maxPieceBytes) {
			size += steps[first+n].bytes()
			n++
		}
		info, err = s.submit(ctx, id, head, first, steps[first:first+n])
		first += n
		if errors.Is(err, errLost) { // somebody who submits the same has begun anew, or Redis has lost some
			first, err = 0, nil
		}
		if info != nil && info.State != flow.Draft {
			break
		}
	}
	return info, err
}

// submit stores a part of the steps.
func (s *Store) submit(ctx context.Context, id string, head []any, first int, steps []laid) (info *flow.Info, err error) {
	args := append(slices.Clone(head), first)
	for _, l := range steps {
		args = append(args, l.label, l.job, l.ins, l.outs)
	}
	err = s.insist(ctx, func() error {
		value, err := s.run(ctx, submitScript, id, args...)
		if err != nil {
			return err
		}
		reply := redis.AsList(value)
		if len(reply) != 2 {
			return unexpected(submitScript, value)
		}
		info = decodeInfo(id, reply[1])
		info.Duplicate = redis.AsInt(reply[0]) == 0
		return nil
	})
	return info, err
}

// layOut makes the jobs of steps and numbers their edges. The digest is of all that a flow is made
// of. The error joins those of all steps, or of the first 20.
func (s *Store) layOut(ctx context.Context, f *flow.Flow, ordered []*flow.Step, maxArgs int) (steps []laid, digest string, err error) {
	number := make(map[*flow.Step]int, len(ordered))
	for i, step := range ordered {
		number[step] = i
	}
	steps = make([]laid, len(ordered))
	sum := sha256.New()
	_, _ = fmt.Fprintln(sum, f.Deadline, f.Retain, len(ordered))
	var errs []error
	size := 0
	for i, step := range ordered {
		if err := s.layOutStep(ctx, step, &steps[i], sum.Write, maxArgs); err != nil {
			errs = append(errs, fmt.Errorf("step %q: %w", step.Name, err))
			if len(errs) == maxStepErrors {
				break
			}
		}
		var ins []string
		for _, e := range step.Edges {
			j := number[e.To]
			steps[j].outs += strconv.Itoa(i) + "," + string(rune(e.Policy)) + ";"
			ins = append(ins, strconv.Itoa(j)+","+string(rune(e.Policy))+";")
		}
		steps[i].ins = strings.Join(ins, "")
		slices.Sort(ins)
		_, _ = fmt.Fprintf(sum, "%q %d %d %q\n", step.Name, step.Timeout, step.Pause, ins)
		size += len(steps[i].job)
	}
	if size > flow.MaxBytes {
		errs = append(errs, fmt.Errorf("%w: the jobs of a flow have %d bytes; at most %d are possible", drayhorse.ErrInvalid, size, flow.MaxBytes))
	}
	return steps, hex.EncodeToString(sum.Sum(nil)[:16]), errors.Join(errs...)
}

// maxStepErrors is of how many steps the errors are told at once.
const maxStepErrors = 20

// layOutStep makes the label of a step, and its job if it is one.
func (s *Store) layOutStep(ctx context.Context, step *flow.Step, to *laid, write func([]byte) (int, error), maxArgs int) error {
	if step.Job != nil {
		return s.layOutJob(ctx, step, to, write, maxArgs)
	}
	to.label = "g|" + strconv.FormatInt(max(step.Timeout.Milliseconds(), 1), 10) + "||" + step.Name
	return nil
}

// layOutJob makes the job of a step, and has what it is made of written to the digest.
func (s *Store) layOutJob(ctx context.Context, step *flow.Step, to *laid, write func([]byte) (int, error), maxArgs int) error {
	spec := *step.Job
	settings, err := drayhorse.ResolveArgs(spec.Args, spec.Options...)
	if err != nil {
		return err
	}
	switch {
	case settings.Given.Has(drayhorse.FieldID):
		return fmt.Errorf("%w: ID(%q) for a step; want it without: the flow gives the ID of each run", drayhorse.ErrInvalid, settings.ID)
	case settings.Unique != nil:
		return fmt.Errorf("%w: Unique for a step; want it without: the flow has each step once", drayhorse.ErrInvalid)
	case settings.Given.Has(drayhorse.FieldIn):
		return fmt.Errorf("%w: In(%v) for a step; want Delay", drayhorse.ErrInvalid, settings.In)
	case step.Pause > 0 && !settings.At.IsZero():
		return fmt.Errorf("%w: Delay(%v) and At(%v) for a step; want one of them", drayhorse.ErrInvalid, step.Pause, settings.At.Format(time.RFC3339))
	case step.Pause > 0:
		spec.Options = append(slices.Clone(spec.Options), drayhorse.In(step.Pause))
	}
	job, queue, err := s.make(spec, maxArgs)
	if err != nil {
		return err
	}
	p, err := s.place(ctx, job, queue)
	if err != nil {
		return err
	}
	packed, err := p.PackJobs(job)
	if err != nil {
		return err
	}
	to.label, to.job = "j|"+Source(p)+"|"+job.Envelope.Kind+"|"+step.Name, string(packed)
	text, err := json.Marshal([]any{job.Envelope.Kind, queue, settings.At, job.Envelope.MaxAttempts, job.Envelope.Timeout, job.Envelope.Retain, job.Envelope.StartWithin, job.Envelope.Priority, job.Envelope.Group, job.Envelope.Tags, job.Envelope.Args})
	if err == nil {
		_, err = write(text)
	}
	return err
}
