package cli_test

import (
	"bytes"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/drayhorse/drayhorse"
	"github.com/drayhorse/drayhorse/internal/cli"
)

// lookup is an environment.
func lookup(env map[string]string) func(string) (string, bool) {
	return func(name string) (string, bool) { v, ok := env[name]; return v, ok }
}

func TestTracesAreSentWhereTheConfigSays(t *testing.T) {
	t.Parallel()
	paths, bodies := make(chan string, 1), make(chan []byte, 1)
	collector := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		paths <- r.URL.Path
		bodies <- body
	}))
	defer collector.Close()
	call := &cli.Call{LookupEnv: lookup(nil), Log: slog.New(slog.DiscardHandler)}
	tracer, flush, err := cli.Monitoring{OTLPEndpoint: cli.Endpoint(collector.URL)}.Tracer(t.Context(), "drayhorse-test", call)
	if err != nil || tracer == nil {
		t.Fatal(tracer, err)
	}
	trace, end := tracer.Enqueue(t.Context(), drayhorse.Batch{Queue: "mail", Jobs: 1})
	end(nil, nil)
	flush()
	if path, body := <-paths, <-bodies; path != "/v1/traces" || !bytes.Contains(body, []byte("enqueue mail")) || !bytes.Contains(body, []byte("drayhorse-test")) {
		t.Errorf("%s %q", path, body)
	}
	if len(trace.Parent) != 55 {
		t.Errorf("traceparent %q", trace.Parent)
	}
}

func TestNothingIsTracedUnasked(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		env  map[string]string
		want bool
	}{
		{nil, false},
		{map[string]string{"OTEL_SERVICE_NAME": "x"}, false},
		{map[string]string{"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:1"}, true},
		{map[string]string{"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://127.0.0.1:1/v1/traces"}, true},
		{map[string]string{"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:1", "OTEL_SDK_DISABLED": "true"}, false},
		{map[string]string{"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:1", "OTEL_TRACES_EXPORTER": "none"}, false},
	} {
		tracer, flush, err := cli.Monitoring{}.Tracer(t.Context(), "test", &cli.Call{LookupEnv: lookup(c.env), Log: slog.New(slog.DiscardHandler)})
		if err != nil || (tracer != nil) != c.want {
			t.Errorf("%v: %v, %v; want %v", c.env, tracer, err, c.want)
			continue
		}
		flush()
	}
}
