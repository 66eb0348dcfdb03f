package flows

import (
	"context"

	"github.com/drayhorse/drayhorse/internal/jobs"
	"github.com/drayhorse/drayhorse/internal/redis"
)

// putTogether is how many of the first ops, which are for one partition, put in jobs of steps.
func putTogether(ops []op) (n int) {
	for n < len(ops) && ops[n].sort == 'r' {
		n++
	}
	return n
}

// putAll does ops that put jobs of steps into one partition, and takes them out of the outbox, in
// two round trips.
func (s *Store) putAll(ctx context.Context, sh *shard, ops []op) []error {
	errs := make([]error, len(ops))
	p, err := s.partition(ctx, ops[0])
	puts := make([]jobs.Op, len(ops))
	for i := 0; err == nil && i < len(ops); i++ {
		puts[i], err = putOf(p, sh, ops[i])
	}
	if err != nil {
		for i := range errs {
			errs[i] = err
		}
		return errs
	}
	errs = p.Put(ctx, puts...)
	var calls []redis.Call
	at := map[string]int{} // which of them is a flow's
	for i, o := range ops {
		if errs[i] != nil {
			continue
		}
		if _, ok := at[o.id]; !ok {
			at[o.id] = len(calls)
			calls = append(calls, s.callOn(ackScript, o.id))
		}
		call := &calls[at[o.id]]
		call.Args = append(call.Args, o.entry, "")
	}
	if len(calls) == 0 {
		return errs
	}
	replies := s.client.RunAll(ctx, calls)
	for i, o := range ops {
		if errs[i] == nil {
			errs[i] = failure(ackScript, replies[at[o.id]].Err)
		}
	}
	return errs
}

// putOf gives the op that puts the job of a step into its partition.
func putOf(p *jobs.Partition, sh *shard, o op) (jobs.Op, error) {
	step, run, packed, err := parseRef(o.what)
	return jobs.Op{
		Sender: sh.name, N: o.n, Low: o.low, Jobs: []byte(packed),
		ID: p.StepID(o.id, o.made, step, run), Link: jobs.StepLink(o.id, o.made, step, run),
	}, err
}
