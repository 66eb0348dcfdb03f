package cli

import (
	"context"
	"fmt"
	"log/slog"
	"net/url"
	"time"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	"go.opentelemetry.io/otel/sdk/resource"
	"go.opentelemetry.io/otel/sdk/trace"

	"github.com/drayhorse/drayhorse"
	"github.com/drayhorse/drayhorse/internal/conf"
	"github.com/drayhorse/drayhorse/internal/logs"
	"github.com/drayhorse/drayhorse/tracing"
)

// flushTimeout is how long a program that ends tries to send its last spans.
const flushTimeout = 3 * time.Second

// Tracer makes what traces a program of that service's name, and what sends the last
// spans when it ends. Without an endpoint, here or in the standard environment, the
// tracer is nil. It does not connect: a collector that is away costs spans alone.
func (m Monitoring) Tracer(ctx context.Context, service string, call *Call) (*tracing.Tracer, func(), error) {
	if m.OTLPEndpoint == "" && !wantsTraces(call.LookupEnv) {
		return nil, func() {}, nil
	}
	var options []otlptracehttp.Option
	if m.OTLPEndpoint != "" {
		to, err := url.JoinPath(string(m.OTLPEndpoint), "v1/traces")
		if err != nil {
			return nil, nil, err
		}
		options = append(options, otlptracehttp.WithEndpointURL(to))
	}
	otel.SetErrorHandler(otel.ErrorHandlerFunc(func(err error) {
		call.Log.Warn("traces are lost", slog.String(logs.Error, err.Error()))
	}))
	exporter, err := otlptracehttp.New(ctx, options...)
	if err != nil {
		return nil, nil, fmt.Errorf("traces: %w", err)
	}
	origin, err := resource.New(ctx, resource.WithTelemetrySDK(), resource.WithHost(), resource.WithAttributes(
		attribute.String("service.name", service), attribute.String("service.version", release()),
	), resource.WithFromEnv())
	if err != nil {
		return nil, nil, fmt.Errorf("traces: %w", err)
	}
	provider := trace.NewTracerProvider(trace.WithBatcher(exporter), trace.WithResource(origin))
	return tracing.New(provider), func() { flush(provider, call.Log) }, nil
}

// wantsTraces reports whether the environment that all programs with OpenTelemetry
// share asks for traces.
func wantsTraces(lookup func(string) (string, bool)) bool {
	value := func(name string) string {
		v, _ := lookup(name)
		return v
	}
	if value("OTEL_SDK_DISABLED") == "true" || value("OTEL_TRACES_EXPORTER") == "none" {
		return false
	}
	return value("OTEL_EXPORTER_OTLP_ENDPOINT") != "" || value("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT") != ""
}

func flush(provider *trace.TracerProvider, log *slog.Logger) {
	ctx, cancel := context.WithTimeout(context.Background(), flushTimeout)
	defer cancel()
	if err := provider.Shutdown(ctx); err != nil {
		log.Warn("traces are lost", slog.String(logs.Error, err.Error()))
	}
}

// validateEndpoint reports why spans cannot be sent to a URL, as drayhorse.ErrInvalid.
func validateEndpoint(endpoint string) error {
	if endpoint == "" {
		return nil
	}
	u, err := url.Parse(endpoint)
	switch {
	case err == nil && u.User != nil:
		return fmt.Errorf("%w: otlp_endpoint %q; want it without user and password: put headers in OTEL_EXPORTER_OTLP_HEADERS", drayhorse.ErrInvalid, conf.MaskURL(endpoint))
	case err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https":
		return fmt.Errorf("%w: otlp_endpoint %q; want http://HOST:PORT or https://HOST:PORT", drayhorse.ErrInvalid, conf.MaskURL(endpoint))
	}
	return nil
}
