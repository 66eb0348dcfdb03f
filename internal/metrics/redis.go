package metrics

import (
	"slices"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/drayhorse/drayhorse/internal/redis"
)

// Redis is how the clients of a process get on with Redis. It is their
// redis.Observer.
type Redis struct {
	up      prometheus.Gauge
	scripts *prometheus.HistogramVec
	errors  *prometheus.CounterVec

	timers sync.Map // prometheus.Observer by script

	mu    sync.Mutex
	pools []func() redis.Pool
	past  redis.Pool // what clients that are closed have counted
}

var _ redis.Observer = (*Redis)(nil)

var (
	connections = prometheus.NewDesc("drayhorse_redis_pool_connections", "Connections to Redis.", []string{"state"}, nil)
	waits       = prometheus.NewDesc("drayhorse_redis_pool_waits_total", "Commands that waited for a free connection.", nil, nil)
	timeouts    = prometheus.NewDesc("drayhorse_redis_pool_timeouts_total", "Commands that waited in vain for a free connection.", nil, nil)
)

// NewRedis gives the metrics of Redis that r has, or adds them.
func NewRedis(r prometheus.Registerer) (*Redis, error) {
	m := &Redis{
		up: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "drayhorse_redis_up", Help: "1 while Redis answers this process.",
		}),
		scripts: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "drayhorse_script_seconds", Help: "How long calls of scripts took, the way to Redis and back included.",
			Buckets: Seconds(0.0001, 9), // 0.1 ms to 6.6 s
		}, []string{"script"}),
		errors: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "drayhorse_redis_errors_total", Help: "Commands that failed, by the class of the error.",
		}, []string{"class"}),
	}
	for _, class := range redis.Classes() {
		m.errors.WithLabelValues(class)
	}
	return share(r, m)
}

// SetUp says whether Redis answers.
func (m *Redis) SetUp(up bool) { m.up.Set(Flag(up)) }

// Opened adds the connections of a client.
func (m *Redis) Opened(pool func() redis.Pool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.pools = append(m.pools, pool)
}

// Ran counts a run of a script.
func (m *Redis) Ran(script string, took time.Duration) {
	timer, known := m.timers.Load(script)
	if !known {
		timer, _ = m.timers.LoadOrStore(script, m.scripts.WithLabelValues(script))
	}
	if t, ok := timer.(prometheus.Observer); ok {
		t.Observe(took.Seconds())
	}
}

// Failed counts an error.
func (m *Redis) Failed(class string) { m.errors.WithLabelValues(class).Inc() }

// Describe gives the descriptions of all.
func (m *Redis) Describe(ch chan<- *prometheus.Desc) {
	m.up.Describe(ch)
	m.scripts.Describe(ch)
	m.errors.Describe(ch)
	ch <- connections
	ch <- waits
	ch <- timeouts
}

// sum adds up the connections of all clients. Of one that is closed, what it has
// counted is kept, and it is asked no more.
func (m *Redis) sum() redis.Pool {
	m.mu.Lock()
	defer m.mu.Unlock()
	var now redis.Pool
	m.pools = slices.DeleteFunc(m.pools, func(pool func() redis.Pool) bool {
		p := pool()
		if p.Closed {
			m.past.Waits += p.Waits
			m.past.Timeouts += p.Timeouts
			return true
		}
		now.Idle += p.Idle
		now.Used += p.Used
		now.Blocking += p.Blocking
		now.Waits += p.Waits
		now.Timeouts += p.Timeouts
		return false
	})
	now.Waits += m.past.Waits
	now.Timeouts += m.past.Timeouts
	return now
}

// Collect gives all, the connections of all clients added up.
func (m *Redis) Collect(ch chan<- prometheus.Metric) {
	m.up.Collect(ch)
	m.scripts.Collect(ch)
	m.errors.Collect(ch)
	sum := m.sum()
	gauge := func(state string, n int) {
		ch <- prometheus.MustNewConstMetric(connections, prometheus.GaugeValue, float64(n), state)
	}
	gauge("idle", sum.Idle)
	gauge("used", sum.Used)
	gauge("blocking", sum.Blocking)
	ch <- prometheus.MustNewConstMetric(waits, prometheus.CounterValue, float64(sum.Waits))
	ch <- prometheus.MustNewConstMetric(timeouts, prometheus.CounterValue, float64(sum.Timeouts))
}
