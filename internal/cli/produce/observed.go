package produce

import (
	"github.com/prometheus/client_golang/prometheus"

	"github.com/drayhorse/drayhorse/internal/cli"
	"github.com/drayhorse/drayhorse/internal/metrics"
	"github.com/drayhorse/drayhorse/producer"
	"github.com/drayhorse/drayhorse/tracing"
)

// openObserved opens a producer whose metrics go to r; tracer may be nil.
func openObserved(where cli.Connection, call *cli.Call, r prometheus.Registerer, tracer *tracing.Tracer) (*producer.Producer, error) {
	counted, err := metrics.NewProducer(r)
	if err != nil {
		return nil, err
	}
	cfg := config(where, call)
	cfg.Metrics = counted
	if tracer != nil {
		cfg.Tracer = tracer
	}
	return producer.New(cfg)
}
