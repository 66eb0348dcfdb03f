package producer

import (
	"context"
	"time"

	"github.com/drayhorse/drayhorse"
	"github.com/drayhorse/drayhorse/internal/jobs"
)

// Metrics takes what a producer counts. It is called by many goroutines at once. One
// of the daemons' hears of the connections to Redis as well.
type Metrics interface {
	// Enqueued says how many jobs were stored in a queue. Duplicates were not.
	Enqueued(queue string, jobs int)
	// Called says how long a call of Enqueue or EnqueueMany with possible values
	// took, whatever came of it.
	Called(took time.Duration)
}

// watch tells the tracer and the metrics of jobs that are about to be stored, and
// gives the jobs their trace. end is to be called with the outcome.
func (p *Producer) watch(ctx context.Context, all []*jobs.NewJob, queues []string) (end func(infos []*drayhorse.Info, err error)) {
	begun := time.Now()
	traced := func([]*drayhorse.Info, error) {}
	if p.tracer != nil && len(all) > 0 {
		var trace drayhorse.Trace
		trace, traced = p.tracer.Enqueue(ctx, batchOf(all, queues))
		for _, job := range all {
			job.Envelope.Trace = trace
		}
	}
	return func(infos []*drayhorse.Info, err error) {
		traced(infos, err)
		if p.metrics == nil {
			return
		}
		p.metrics.Called(time.Since(begun))
		for queue, n := range stored(infos) {
			p.metrics.Enqueued(queue, n)
		}
	}
}

func batchOf(all []*jobs.NewJob, queues []string) drayhorse.Batch {
	b := drayhorse.Batch{Queue: queues[0], Kind: all[0].Envelope.Kind, Jobs: len(all)}
	for i, job := range all {
		if queues[i] != b.Queue {
			b.Queue = ""
		}
		if job.Envelope.Kind != b.Kind {
			b.Kind = ""
		}
	}
	return b
}

// stored counts by queue the jobs that are known to be there because of this call.
func stored(infos []*drayhorse.Info) map[string]int {
	counts := map[string]int{}
	for _, info := range infos {
		if info != nil && !info.Duplicate {
			counts[info.Queue]++
		}
	}
	return counts
}
