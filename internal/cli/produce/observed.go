package produce

import (
	"github.com/prometheus/client_golang/prometheus"
	"go.opentelemetry.io/otel/trace/noop"

	"github.com/drayhorse/drayhorse/internal/cli"
	"github.com/drayhorse/drayhorse/internal/metrics"
	"github.com/drayhorse/drayhorse/producer"
	"github.com/drayhorse/drayhorse/tracing"
)

// openObserved opens a producer whose metrics go to r. tracer may be nil: then there are
// no spans, and jobs carry the trace of their context as it is.
func openObserved(where cli.Connection, call *cli.Call, r prometheus.Registerer, tracer *tracing.Tracer) (*producer.Producer, error) {
	counted, err := metrics.NewProducer(r)
	if err != nil {
		return nil, err
	}
	cfg := config(where, call)
	cfg.Metrics, cfg.Tracer = counted, tracer
	if tracer == nil {
		cfg.Tracer = tracing.New(noop.NewTracerProvider()) // passes the traces of requests on
	}
	return producer.New(cfg)
}
