package metrics

import (
	"context"
	"log/slog"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/drayhorse/drayhorse/flow"
	"github.com/drayhorse/drayhorse/internal/flows"
)

// Flows is how the flows of namespaces stand, read when it is asked for. There is nothing of a namespace that has had
// none.
type Flows struct {
	polled[map[string]*flows.Stats]
}

var (
	flowsLiving  = prometheus.NewDesc("drayhorse_flows_living", "Batches and flows that have not ended.", nil, nil)
	flowsOverdue = prometheus.NewDesc("drayhorse_flows_overdue", "Batches and flows that no worker has looked at for 30 s although their time had come.", nil, nil)
	flowMessages = prometheus.NewDesc("drayhorse_flow_messages", "Messages of batches and flows on their way to queues.", nil, nil)
	flowsEnded   = prometheus.NewDesc("drayhorse_flows_ended_total", "Batches and flows that have ended, by any worker; one that is retried counts each time.", []string{"state"}, nil)
)

// NewFlows gives the metrics of flows that r has, or adds them.
func NewFlows(r prometheus.Registerer) (*Flows, error) { return share(r, &Flows{}) }

// Add has the flows of a namespace read, once whoever else adds it.
func (f *Flows) Add(store *flows.Store, namespace string, log *slog.Logger) {
	f.addFrom(log, func(ctx context.Context, known *map[string]*flows.Stats) error {
		if (*known)[namespace] != nil {
			return nil
		}
		used, err := store.InUse(ctx)
		if err != nil || !used {
			return err
		}
		stats, err := store.Stats(ctx)
		if err == nil {
			(*known)[namespace] = stats
		}
		return err
	})
}

// Describe gives the descriptions of all.
func (f *Flows) Describe(ch chan<- *prometheus.Desc) {
	for _, desc := range []*prometheus.Desc{flowsLiving, flowsOverdue, flowMessages, flowsEnded} {
		ch <- desc
	}
}

// Collect gives what is known, and reads it anew if that is too old.
func (f *Flows) Collect(ch chan<- prometheus.Metric) {
	known := f.read(func() *map[string]*flows.Stats { return &map[string]*flows.Stats{} })
	if len(*known) == 0 {
		return
	}
	var all flows.Stats
	for _, s := range *known {
		all.Add(s)
	}
	gauge := func(desc *prometheus.Desc, n int64) {
		ch <- prometheus.MustNewConstMetric(desc, prometheus.GaugeValue, float64(n))
	}
	gauge(flowsLiving, all.Living)
	gauge(flowsOverdue, all.Overdue)
	gauge(flowMessages, all.Ops)
	for state, n := range map[flow.State]int64{flow.Completed: all.Completed, flow.Failed: all.Failed, flow.Cancelled: all.Cancelled} {
		ch <- prometheus.MustNewConstMetric(flowsEnded, prometheus.CounterValue, float64(n), string(state))
	}
}
