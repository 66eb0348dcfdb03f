package outbox

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/drayhorse/drayhorse/internal/metrics"
)

// Status is how much waits.
type Status struct {
	Lag     time.Duration // how long the first row waits since its Enqueue; 0: none does
	Rows    int           // that wait, counted up to MaxCounted
	Refused int           // that were set aside, counted up to MaxCounted
}

// MaxCounted is how far Status counts.
const MaxCounted = 10_000

// Status asks the database how much waits.
func (b *Box) Status(ctx context.Context) (Status, error) {
	var s Status
	var lag int64
	err := b.db.QueryRowContext(ctx, b.sql(fmt.Sprintf(`SELECT
	COALESCE((SELECT {now} - created_ms FROM {outbox} ORDER BY id LIMIT 1), 0),
	(SELECT COUNT(*) FROM (SELECT id FROM {outbox} LIMIT %d) AS some_rows),
	(SELECT COUNT(*) FROM (SELECT id FROM {refused} LIMIT %d) AS some_refused)`, MaxCounted, MaxCounted))).Scan(&lag, &s.Rows, &s.Refused)
	if err != nil {
		return Status{}, fmt.Errorf("outbox: read %s: %w", b.table, err)
	}
	s.Lag = time.Duration(max(lag, 0)) * time.Millisecond
	return s, nil
}

// counts is what the boxes of one table and process count.
type counts struct {
	relayed  prometheus.Counter
	refused  prometheus.Counter
	errors   prometheus.Counter
	delay    prometheus.Histogram
	relaying prometheus.Gauge
}

func newCounts(b *Box, r prometheus.Registerer) (*counts, error) {
	table := prometheus.Labels{"table": b.table}
	opts := func(name, help string) prometheus.Opts {
		return prometheus.Opts{Name: "drayhorse_outbox_" + name, Help: help, ConstLabels: table}
	}
	c := &counts{
		relayed: prometheus.NewCounter(prometheus.CounterOpts(opts("relayed_total", "Jobs that this relay moved to Redis."))),
		refused: prometheus.NewCounter(prometheus.CounterOpts(opts("refused_total", "Jobs that this relay set aside for good."))),
		errors:  prometheus.NewCounter(prometheus.CounterOpts(opts("errors_total", "Rounds of this relay that the database failed."))),
		delay: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "drayhorse_outbox_delay_seconds", Help: "Time from Enqueue until a job is in Redis, the rest of its transaction included.",
			ConstLabels: table, Buckets: metrics.Seconds(0.001, 10), // 1 ms to 4 min
		}),
		relaying: prometheus.NewGauge(prometheus.GaugeOpts(opts("relaying", "1 while this relay is the one that works."))),
	}
	for _, err := range []error{
		metrics.Share(r, &c.relayed), metrics.Share(r, &c.refused), metrics.Share(r, &c.errors),
		metrics.Share(r, &c.delay), metrics.Share(r, &c.relaying), share(r, b, table),
	} {
		if err != nil {
			return nil, err
		}
	}
	return c, nil
}

func share(r prometheus.Registerer, b *Box, table prometheus.Labels) error {
	desc := func(name, help string) *prometheus.Desc {
		return prometheus.NewDesc("drayhorse_outbox_"+name, help, nil, table)
	}
	w := &waiting{
		box: b,
		up:  desc("database_up", "1 while the database answers this process."),
		lag: desc("lag_seconds", "How long the first row waits since its Enqueue; 0 if none does."),
		// Both are counted up to MaxCounted.
		rows:    desc("rows", "Rows that wait, counted up to 10,000."),
		refused: desc("refused", "Jobs that were set aside for good, counted up to 10,000."),
	}
	return metrics.Share(r, &w)
}

// moved counts rows that are in Redis.
func (c *counts) moved(rows []*row) {
	c.relayed.Add(float64(len(rows)))
	for _, one := range rows {
		c.delay.Observe((one.age + time.Since(one.readAt)).Seconds())
	}
}

// waiting asks the database at a scrape: so the lag is told also while no relay works.
type waiting struct {
	box                    *Box
	up, lag, rows, refused *prometheus.Desc

	mu   sync.Mutex
	at   time.Time
	last Status
	err  error
}

const (
	statusTime  = time.Second // how long a scrape waits for the database
	statusEvery = time.Second // however many scrape, it is not asked more often
)

// Describe gives the descriptions of all.
func (w *waiting) Describe(ch chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{w.up, w.lag, w.rows, w.refused} {
		ch <- d
	}
}

// Collect leaves out what is not known.
func (w *waiting) Collect(ch chan<- prometheus.Metric) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if time.Since(w.at) > statusEvery {
		ctx, cancel := context.WithTimeout(context.Background(), statusTime)
		defer cancel()
		w.last, w.err = w.box.Status(ctx)
		w.at = time.Now()
	}
	gauge := func(desc *prometheus.Desc, value float64) {
		ch <- prometheus.MustNewConstMetric(desc, prometheus.GaugeValue, value)
	}
	gauge(w.up, flag(w.err == nil))
	if w.err == nil {
		gauge(w.lag, w.last.Lag.Seconds())
		gauge(w.rows, float64(w.last.Rows))
		gauge(w.refused, float64(w.last.Refused))
	}
}
