package produce

import (
	"github.com/prometheus/client_golang/prometheus"

	"github.com/drayhorse/drayhorse/admin"
	"github.com/drayhorse/drayhorse/internal/cli"
	"github.com/drayhorse/drayhorse/internal/httpapi"
	"github.com/drayhorse/drayhorse/producer"
	"github.com/drayhorse/drayhorse/tracing"
)

// Door is the HTTP API, with its connections.
type Door struct {
	*httpapi.Server

	jobs   *producer.Producer
	queues *admin.Admin
}

// OpenDoor makes the HTTP API of the jobs that are where; cfg says the rest. tracer may be
// nil. It does not connect.
func OpenDoor(where cli.Connection, call *cli.Call, cfg httpapi.Config, registry *prometheus.Registry, tracer *tracing.Tracer) (_ *Door, err error) {
	d := &Door{}
	defer func() {
		if err != nil {
			d.Close()
		}
	}()
	if d.jobs, err = openObserved(where, call, registry, tracer); err != nil {
		return nil, err
	}
	d.queues, err = admin.New(admin.Config{RedisURL: where.RedisURL.Reveal(), Namespace: where.Namespace, Logger: call.Log})
	if err != nil {
		return nil, err
	}
	cfg.Jobs, cfg.Queues, cfg.Logger, cfg.Registerer = d.jobs, d.queues, call.Log, registry
	d.Server, err = httpapi.New(cfg)
	return d, err
}

// Close closes the connections. Call it when Serve has returned.
func (d *Door) Close() {
	if d.jobs != nil {
		_ = d.jobs.Close()
	}
	if d.queues != nil {
		_ = d.queues.Close()
	}
}
