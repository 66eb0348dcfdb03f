package metrics

import (
	"errors"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// Producer is what a producer counts; it is a producer.Metrics.
type Producer struct {
	*Redis

	enqueued *prometheus.CounterVec
	seconds  prometheus.Histogram

	mu     sync.RWMutex
	queues map[string]prometheus.Counter
}

// Who enqueues names the queues, and there is no limit to them: those after the
// first maxQueues are counted together.
const (
	maxQueues = 1000
	other     = "other"
)

// NewProducer gives the metrics of producers that r has, or adds them.
func NewProducer(r prometheus.Registerer) (*Producer, error) {
	connections, err := NewRedis(r)
	if err != nil {
		return nil, err
	}
	p := &Producer{
		Redis: connections,
		enqueued: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "drayhorse_jobs_enqueued_total", Help: "Jobs that this producer stored; duplicates are not.",
		}, []string{"queue"}),
		seconds: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "drayhorse_enqueue_seconds", Help: "How long calls that store jobs took, failed ones included.",
			Buckets: Seconds(0.0001, 9), // 0.1 ms to 6.6 s
		}),
		queues: map[string]prometheus.Counter{},
	}
	return p, errors.Join(Share(r, &p.enqueued), Share(r, &p.seconds))
}

// Enqueued counts jobs that were stored.
func (p *Producer) Enqueued(queue string, jobs int) { p.counter(queue).Add(float64(jobs)) }

func (p *Producer) counter(queue string) prometheus.Counter {
	p.mu.RLock()
	c := p.queues[queue]
	p.mu.RUnlock()
	if c != nil {
		return c
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.queues) >= maxQueues {
		return p.enqueued.WithLabelValues(other)
	}
	c = p.enqueued.WithLabelValues(queue)
	p.queues[queue] = c
	return c
}

// Called counts a call.
func (p *Producer) Called(took time.Duration) { p.seconds.Observe(took.Seconds()) }
