package flows

import (
	"context"
	"slices"
	"strings"

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
	var done []int // ops, those of a flow together
	for i := range ops {
		if errs[i] == nil {
			done = append(done, i)
		}
	}
	slices.SortStableFunc(done, func(a, b int) int { return strings.Compare(ops[a].id, ops[b].id) })
	var calls []redis.Call
	var from []int // the first of done in each
	for k, i := range done {
		if k == 0 || ops[i].id != ops[done[k-1]].id {
			calls, from = append(calls, s.callOn(ackScript, ops[i].id)), append(from, k)
		}
		last := &calls[len(calls)-1]
		last.Args = append(last.Args, ops[i].entry, "")
	}
	if len(calls) == 0 {
		return errs
	}
	for c, reply := range s.client.RunAll(ctx, calls) {
		for k := from[c]; k < len(done) && (c+1 == len(from) || k < from[c+1]); k++ {
			errs[done[k]] = failure(ackScript, reply.Err)
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
