package outbox

import (
	"context"
	"errors"

	"github.com/drayhorse/drayhorse"
)

// outcome is what became of rows.
type outcome struct {
	done    []*row
	refused []refusal
	failed  map[string]error // by queue: its rows wait
}

// refusal is a row that the producer refuses for good.
type refusal struct {
	row    *row
	reason error
}

// push takes rows to Redis. Of each queue it goes on in their order, and only when what
// came before is stored. The error is drayhorse.ErrClosed.
func (r *relay) push(ctx context.Context, rows []*row) (*outcome, error) {
	out := &outcome{failed: map[string]error{}}
	ctx, cancel := context.WithTimeout(ctx, pushTime)
	defer cancel()
	rest := make([]*row, 0, len(rows))
	for _, one := range rows {
		if err := one.ready(); err != nil {
			out.refused = append(out.refused, refusal{one, err})
		} else {
			rest = append(rest, one)
		}
	}
	for len(rest) > 0 {
		var now []*row
		now, rest = together(rest, out.failed)
		if err := r.send(ctx, now, out); err != nil {
			return out, err
		}
	}
	return out, nil
}

// together gives the rows of each queue that go in one call: jobs that replicas are to
// confirm go another way than the others, which keeps no order with theirs. Those of
// queues that have failed are dropped.
func together(rows []*row, failed map[string]error) (now, rest []*row) {
	durable := map[string]*int{}
	ended := map[string]bool{}
	for _, one := range rows {
		first, known := durable[one.queue]
		switch {
		case failed[one.queue] != nil:
			continue
		case !known:
			durable[one.queue] = one.settings.Durable
		case !same(first, one.settings.Durable):
			ended[one.queue] = true
		}
		if ended[one.queue] {
			rest = append(rest, one)
		} else {
			now = append(now, one)
		}
	}
	return now, rest
}

func same(a, b *int) bool { return a == b || a != nil && b != nil && *a == *b }

// send takes rows to Redis in one call for each queue.
func (r *relay) send(ctx context.Context, rows []*row, out *outcome) error {
	specs := make([]drayhorse.Spec, len(rows))
	for i, one := range rows {
		specs[i] = one.spec
	}
	infos, err := r.producer.EnqueueMany(ctx, specs)
	switch {
	case err == nil:
		out.done = append(out.done, rows...)
	case errors.Is(err, drayhorse.ErrClosed):
		return err
	case errors.Is(err, drayhorse.ErrInvalid): // one of them; by themselves they show which
		return r.sendEach(ctx, rows, out)
	default:
		for i, one := range rows {
			// Without the confirmation of replicas all are stored: they stay until it is there.
			if i < len(infos) && infos[i] != nil && !errors.Is(err, drayhorse.ErrNotReplicated) {
				out.done = append(out.done, one)
			} else {
				out.failed[one.queue] = err
			}
		}
	}
	return nil
}

// sendEach takes rows to Redis one by one.
func (r *relay) sendEach(ctx context.Context, rows []*row, out *outcome) error {
	for _, one := range rows {
		if out.failed[one.queue] != nil {
			continue
		}
		_, err := r.producer.Enqueue(ctx, one.spec.Args, one.spec.Options...)
		switch {
		case err == nil:
			out.done = append(out.done, one)
		case errors.Is(err, drayhorse.ErrClosed):
			return err
		case errors.Is(err, drayhorse.ErrInvalid):
			out.refused = append(out.refused, refusal{one, err})
		default:
			out.failed[one.queue] = err
		}
	}
	return nil
}
