package httpapi_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"testing"

	"github.com/drayhorse/drayhorse"
	"github.com/drayhorse/drayhorse/internal/redistest"
	"github.com/drayhorse/drayhorse/worker"
)

// work runs a worker that counts the jobs of kind k until they are run out.
func (d *door) work(redis, namespace string) (ran chan string, stop func()) {
	d.t.Helper()
	w, err := worker.New(worker.Config{RedisURL: redis, Namespace: namespace, Queues: map[string]int{"q": 1}})
	if err != nil {
		d.t.Fatal(err)
	}
	ran = make(chan string, 100)
	worker.HandleKind(w, "k", func(_ context.Context, job *drayhorse.Job[json.RawMessage]) error {
		ran <- job.ID
		return nil
	})
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- w.Run(ctx) }()
	return ran, func() {
		cancel()
		if err := <-done; err != nil {
			d.t.Errorf("worker: %v", err)
		}
	}
}

func TestARepeatedRequestIsOneJob(t *testing.T) {
	t.Parallel()
	d := setup(t)
	const body = `{"kind":"k","queue":"q"}`
	first := d.post(body, "Idempotency-Key: key-1")
	for _, key := range []string{"key-1", `"key-1"`} { // as it is, and as a string of a structured field
		again := d.post(body, "Idempotency-Key: "+key)
		if again.code != http.StatusOK || again.info(t).ID != "key-1" || again.header.Get("Location") != first.header.Get("Location") {
			t.Errorf("%s: %d %s; first %d %s", key, again.code, again.body, first.code, first.body)
		}
	}
	if own := d.post(`{"kind":"k","queue":"q","id":"own"}`, "Idempotency-Key: key-1"); own.code != http.StatusCreated || own.info(t).ID != "own" {
		t.Errorf("with an id of its own: %d %s", own.code, own.body)
	}
	if n := d.jobsIn("q"); n != 2 {
		t.Errorf("%d jobs; want 2", n)
	}
}

func TestARepeatAfterTheJobHasRunAddsNothing(t *testing.T) {
	t.Parallel()
	d := setup(t)
	ran, stop := d.work(redistest.Shared(t), d.namespace)
	defer stop()
	const body = `{"kind":"k","queue":"q"}`
	first := d.post(body, "Idempotency-Key: once")
	<-ran
	d.eventually("the job has ended", func() bool { return d.jobsIn("q") == 0 })
	again := d.post(body, "Idempotency-Key: once")
	if info := again.info(t); again.code != http.StatusOK || info.ID != first.info(t).ID || info.State != drayhorse.Completed {
		t.Errorf("%d %s; first %s", again.code, again.body, first.body)
	}
	last := d.post(body).info(t).ID // runs after all that was added before it
	if id := <-ran; id != last {
		t.Errorf("%s ran; want %s alone", id, last)
	}
}

func TestARequestWhoseConnectionIsCutCanBeRepeated(t *testing.T) {
	t.Parallel()
	d := setup(t)
	for i := range 20 {
		body := fmt.Sprintf(`{"kind":"k","queue":"q","args":%d}`, i)
		conn := d.dial()
		_, err := fmt.Fprintf(conn, "POST /v1/jobs HTTP/1.1\r\nHost: %s\r\nContent-Type: application/json\r\nIdempotency-Key: cut-%d\r\nContent-Length: %d\r\n\r\n%s", d.addr, i, len(body), body)
		if err != nil {
			t.Fatal(err)
		}
		_ = conn.Close() // whatever has become of it
		if a := d.post(body, fmt.Sprintf("Idempotency-Key: cut-%d", i)); a.code != http.StatusCreated && a.code != http.StatusOK {
			t.Fatalf("%d %s", a.code, a.body)
		}
	}
	d.stop() // so that no request is on its way any more
	if n := d.jobsIn("q"); n != 20 {
		t.Errorf("%d jobs; want 20", n)
	}
}

func TestABatchWithAKeyCanBeRepeated(t *testing.T) {
	t.Parallel()
	d := setup(t)
	const lines = "{\"kind\":\"k\",\"queue\":\"q\"}\n\n{\"kind\":\"k\",\"queue\":\"q\",\"id\":\"own\"}\nbad\n{\"kind\":\"k\",\"queue\":\"q\"}\n"
	for _, status := range []int{http.StatusCreated, http.StatusOK} {
		got := d.batch(lines, "Idempotency-Key: night").results(t)
		want := []result{{1, status, "night:1", "q", nil}, {3, status, "own", "q", nil}, {4, 422, "", "", got[2].Problem}, {5, status, "night:5", "q", nil}}
		if fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("got %v; want %v", got, want)
		}
	}
	if n := d.jobsIn("q"); n != 3 {
		t.Errorf("%d jobs; want 3", n)
	}
}
