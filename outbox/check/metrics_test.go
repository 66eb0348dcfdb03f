package check

import (
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/drayhorse/drayhorse"
	"github.com/drayhorse/drayhorse/internal/redistest"
	"github.com/drayhorse/drayhorse/outbox"
	"github.com/drayhorse/drayhorse/producer"
)

// values are what a registry tells of the outbox.
func values(t *testing.T, r *prometheus.Registry) map[string]float64 {
	t.Helper()
	families, err := r.Gather()
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]float64{}
	for _, f := range families {
		for _, m := range f.GetMetric() {
			if labels := m.GetLabel(); len(labels) != 1 || labels[0].GetName() != "table" || labels[0].GetValue() != outbox.DefaultTable {
				t.Errorf("%s has the labels %v", f.GetName(), labels)
			}
			all[f.GetName()] = m.GetGauge().GetValue() + m.GetCounter().GetValue() + float64(m.GetHistogram().GetSampleCount())
		}
	}
	return all
}

// TestMetrics: what waits is told also while no relay runs, and by programs that only
// enqueue; two boxes of a process share the numbers.
func TestMetrics(t *testing.T) {
	each(t, func(t *testing.T, d *database) {
		registry := prometheus.NewRegistry()
		r := setup(t, d, func(c *outbox.Config, p *producer.Config) { c.Registerer, p.MaxArgs = registry, 1000 })
		if _, err := outbox.New(outbox.Config{DB: r.db, Dialect: d.dialect, Registerer: registry}); err != nil {
			t.Fatal(err)
		}
		r.enqueue(mails("mail", 0, 20)...)
		r.enqueue(drayhorse.Spec{Args: drayhorse.Raw("k", make([]byte, 0, 1))}, drayhorse.Spec{Args: large{}})
		const prefix = "drayhorse_outbox_"
		redistest.Eventually(t, 5*time.Second, "the lag is told", func() bool {
			v := values(t, registry)
			return v[prefix+"lag_seconds"] > 0.1 && v[prefix+"rows"] == 22 && v[prefix+"database_up"] == 1 && v[prefix+"relaying"] == 0
		})
		stop := r.relay()
		r.drained()
		redistest.Eventually(t, 5*time.Second, "what was moved is told", func() bool {
			v := values(t, registry)
			return v[prefix+"lag_seconds"] == 0 && v[prefix+"rows"] == 0 && v[prefix+"refused"] == 1 && v[prefix+"relaying"] == 1 &&
				v[prefix+"relayed_total"] == 21 && v[prefix+"delay_seconds"] == 21 && v[prefix+"refused_total"] == 1
		})
		stop()
		if v := values(t, registry); v[prefix+"relaying"] != 0 {
			t.Error("a relay that has ended says that it works")
		}
		_ = r.db.Close()
		redistest.Eventually(t, 5*time.Second, "the database is away", func() bool {
			v := values(t, registry)
			_, known := v[prefix+"lag_seconds"]
			return v[prefix+"database_up"] == 0 && !known
		})
	})
}

// large is over the limit of the producer, not of the outbox.
type large struct{}

func (large) Kind() string { return "large" }

func (large) MarshalJSON() ([]byte, error) {
	text := make([]byte, 2000)
	for i := range text {
		text[i] = '1'
	}
	return text, nil
}

// TestARelayThatStopsHandsOver: the next one need not wait for the end of the lease.
func TestARelayThatStopsHandsOver(t *testing.T) {
	each(t, func(t *testing.T, d *database) {
		r := setup(t, d, func(c *outbox.Config, _ *producer.Config) { c.Lease = time.Minute })
		stop := r.relay()
		r.enqueue(mails("mail", 0, 1)...)
		r.drained()
		standby := r.relay()
		stop()
		r.enqueue(mails("mail", 1, 1)...)
		begun := time.Now()
		r.drained()
		if took := time.Since(begun); took > 30*time.Second {
			t.Errorf("it took %v", took)
		}
		standby()
		wantMails(t, r.line("mail"), 0, 2)
	})
}
