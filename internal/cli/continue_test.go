package cli_test

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/drayhorse/drayhorse"
	"github.com/drayhorse/drayhorse/internal/cli/produce"
	"github.com/drayhorse/drayhorse/internal/redistest"
	"github.com/drayhorse/drayhorse/worker"
)

const (
	traceOfClient = "4bf92f3577b34da6a3ce929d0e0e4736"
	parentOfJobs  = "00-" + traceOfClient + "-00f067aa0ba902b7-01"
)

// TestJobsCarryTheTraceOfTheirRequest: of a job and of a batch, without an exporter as
// it is, with one as the parent of the server's own span.
func TestJobsCarryTheTraceOfTheirRequest(t *testing.T) {
	t.Parallel()
	collector := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	t.Cleanup(collector.Close)
	url := redistest.Start(t).URL
	for name, c := range map[string]struct {
		args  []string
		trace drayhorse.Trace
		fits  func(got drayhorse.Trace) bool
	}{
		"as it is": {nil, drayhorse.Trace{Parent: parentOfJobs, State: "a=b"}, func(got drayhorse.Trace) bool {
			return got == drayhorse.Trace{Parent: parentOfJobs, State: "a=b"}
		}},
		"none":      {nil, drayhorse.Trace{}, func(got drayhorse.Trace) bool { return got == drayhorse.Trace{} }},
		"malformed": {nil, drayhorse.Trace{Parent: "00-x"}, func(got drayhorse.Trace) bool { return got == drayhorse.Trace{} }},
		"with an exporter": {[]string{"--otlp-endpoint", collector.URL}, drayhorse.Trace{Parent: parentOfJobs, State: "a=b"}, func(got drayhorse.Trace) bool {
			return strings.HasPrefix(got.Parent, "00-"+traceOfClient) && got.Parent != parentOfJobs && got.State == "a=b"
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			namespace := redistest.Namespace(t)
			server := start(t, produce.Command(), append([]string{"serve", "--listen", "127.0.0.1:0", "--log-format", "json", "--redis", url, "--namespace", namespace}, c.args...)...)
			api := "http://" + server.addr("serving jobs") + "/v1/jobs"
			traces := tracesOf(t, url, namespace)
			send(t, api, "application/json", c.trace)
			send(t, api+"/batch", "application/x-ndjson", c.trace)
			for range 2 {
				select {
				case got := <-traces:
					if !c.fits(got) {
						t.Errorf("the job of a request with %+v carries %+v", c.trace, got)
					}
				case <-time.After(redistest.Stretch * 30 * time.Second):
					t.Fatal("a job has not run")
				}
			}
		})
	}
}

// tracesOf runs a worker and gives what its jobs carry.
func tracesOf(t *testing.T, url, namespace string) <-chan drayhorse.Trace {
	t.Helper()
	w, err := worker.New(worker.Config{RedisURL: url, Namespace: namespace})
	if err != nil {
		t.Fatal(err)
	}
	traces := make(chan drayhorse.Trace, 2)
	worker.HandleKind(w, "test", func(_ context.Context, job *drayhorse.Job[json.RawMessage]) error {
		traces <- job.Trace
		return nil
	})
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- w.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	return traces
}

// send puts a job in, by a request with a trace.
func send(t *testing.T, url, contentType string, trace drayhorse.Trace) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url, strings.NewReader(`{"kind":"test"}`))
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Content-Type", contentType)
	for name, value := range map[string]string{"traceparent": trace.Parent, "tracestate": trace.State} {
		if value != "" {
			request.Header.Set(name, value)
		}
	}
	request.Close = true
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	answer, err := io.ReadAll(response.Body)
	if err != nil || response.StatusCode >= http.StatusBadRequest || strings.Contains(string(answer), "problem") {
		t.Fatalf("%d %s, %v", response.StatusCode, answer, err)
	}
}
