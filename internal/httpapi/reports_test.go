package httpapi_test

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/drayhorse/drayhorse"
	"github.com/drayhorse/drayhorse/internal/redistest"
	"github.com/drayhorse/drayhorse/worker"
)

// TestLogsAndStreams as a client reads them.
func TestLogsAndStreams(t *testing.T) {
	t.Parallel()
	d := setup(t)
	goOn := make(chan struct{})
	w, err := worker.New(worker.Config{RedisURL: redistest.Shared(t), Namespace: d.namespace, Queues: map[string]int{"q": 1}, Concurrency: 1})
	if err != nil {
		t.Fatal(err)
	}
	worker.HandleKind(w, "k", func(_ context.Context, job *drayhorse.Job[json.RawMessage]) error {
		job.Log().Info("began", "n", 1)
		out, err := job.Stream("tokens")
		if err != nil {
			return err
		}
		if _, err := fmt.Fprint(out, "Hello "); err != nil {
			return err
		}
		<-goOn
		if _, err := fmt.Fprint(out, "world"); err != nil {
			return err
		}
		return job.Progress(1, "done")
	})
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- w.Run(ctx) }()
	defer func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	}()
	info, err := d.jobs.EnqueueRaw(t.Context(), "k", nil, drayhorse.Queue("q"), drayhorse.Retain(time.Hour))
	if err != nil {
		t.Fatal(err)
	}
	path := "/v1/jobs/" + info.ID
	resp, err := http.DefaultClient.Do(d.request(http.MethodGet, path+"/streams/tokens?queue=q", "")) // the validator reads all before it answers
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK || resp.Header.Get("Content-Type") != "text/event-stream" {
		t.Fatalf("status %d, %v", resp.StatusCode, resp.Header)
	}
	events := bufio.NewScanner(resp.Body)
	if got := event(events); got != `event: part|id: 6|data: {"data":"SGVsbG8g","offset":6,"attempt":1}` {
		t.Errorf("first: %s", got)
	}
	close(goOn)
	if got := event(events); got != `event: part|id: 11|data: {"data":"d29ybGQ=","offset":11,"attempt":1}` {
		t.Errorf("second: %s", got)
	}
	if got := event(events); got != "event: end|data: {}" {
		t.Errorf("last: %s", got)
	}
	if got := d.do(http.MethodGet, path+"/streams/tokens", "", "Last-Event-ID: 6"); !strings.Contains(got.body, "d29ybGQ=") || strings.Contains(got.body, "SGVsbG8g") {
		t.Errorf("from 6 on: %d %s", got.code, got.body)
	}
	if got := d.do(http.MethodGet, path+"/logs", ""); got.code != http.StatusOK || !strings.Contains(got.body, `"message":"began","attrs":{"n":1}`) {
		t.Errorf("log: %d %s", got.code, got.body)
	}
	if got := d.do(http.MethodGet, path, ""); !strings.Contains(got.body, `"progress":{"fraction":1,"text":"done","attempt":1,`) {
		t.Errorf("job: %s", got.body)
	}
	for _, p := range []string{path + "/streams/none", "/v1/jobs/none/logs", "/v1/jobs/none/streams/s"} {
		if got := d.do(http.MethodGet, p, ""); got.code != http.StatusNotFound {
			t.Errorf("%s: %d %s", p, got.code, got.body)
		}
	}
	for _, p := range []string{"/streams/tokens?offset=-1", "/streams/tokens?offset=x", "/streams/a%20b"} {
		if got := d.do(http.MethodGet, path+p, ""); got.code != http.StatusUnprocessableEntity {
			t.Errorf("%s: %d %s", p, got.code, got.body)
		}
	}
}

// event reads one event, its lines joined by a bar.
func event(from *bufio.Scanner) string {
	var lines []string
	for from.Scan() && from.Text() != "" {
		if from.Text() != ":" {
			lines = append(lines, from.Text())
		}
	}
	return strings.Join(lines, "|")
}

func TestReportsNeedTheScopeOfReading(t *testing.T) {
	t.Parallel()
	_, change := tokens(t, "tokens:\n"+entry("reader", "r", "read: [mail]")+entry("other", "o", "enqueue: [mail], read: [other]"))
	d := setup(t, change)
	info, err := d.jobs.EnqueueRaw(t.Context(), "k", nil, drayhorse.Queue("mail"))
	if err != nil {
		t.Fatal(err)
	}
	for _, rest := range []string{"/logs", "/streams/s"} {
		d.token = "o"
		if got := d.do(http.MethodGet, "/v1/jobs/"+info.ID+rest, ""); got.code != http.StatusNotFound {
			t.Errorf("%s without the scope: %d %s", rest, got.code, got.body)
		}
		if got := d.do(http.MethodGet, "/v1/jobs/"+info.ID+rest+"?queue=mail", ""); got.code != http.StatusForbidden {
			t.Errorf("%s of the queue: %d %s", rest, got.code, got.body)
		}
	}
	d.token = "r"
	if got := d.do(http.MethodGet, "/v1/jobs/"+info.ID+"/logs", ""); got.code != http.StatusOK {
		t.Errorf("with it: %d %s", got.code, got.body)
	}
}
