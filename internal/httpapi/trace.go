package httpapi

import (
	"net/http"

	"go.opentelemetry.io/otel/propagation"
)

// continued gives a request the trace of its headers, traceparent and tracestate of
// W3C, so that the jobs it brings carry it on. One that is malformed is passed over.
func continued(r *http.Request) *http.Request {
	return r.WithContext(propagation.TraceContext{}.Extract(r.Context(), propagation.HeaderCarrier(r.Header)))
}
