package httpapi_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/drayhorse/drayhorse"
	"github.com/drayhorse/drayhorse/internal/httpapi"
)

// state reads the state of a job that was answered with.
func state(t *testing.T, body string) drayhorse.State {
	t.Helper()
	var info drayhorse.Info
	if err := json.Unmarshal([]byte(body), &info); err != nil {
		t.Fatalf("%v: %s", err, body)
	}
	return info.State
}

func TestWaitForAnEnd(t *testing.T) {
	t.Parallel()
	d := setup(t)
	info, err := d.jobs.EnqueueRaw(t.Context(), "k", nil, drayhorse.Queue("q"))
	if err != nil {
		t.Fatal(err)
	}
	path := "/v1/jobs/" + info.ID + "?queue=q&wait="
	begun := time.Now()
	if got := d.do(http.MethodGet, path+"100ms", ""); got.code != http.StatusOK || state(t, got.body) != drayhorse.Available || time.Since(begun) < 100*time.Millisecond {
		t.Errorf("of one that goes on: %d %s after %v", got.code, got.body, time.Since(begun))
	}
	answered := make(chan drayhorse.State)
	go func() {
		answered <- state(t, d.do(http.MethodGet, path+"1m", "").body)
	}()
	time.AfterFunc(200*time.Millisecond, func() { _ = d.jobs.Cancel(t.Context(), info.ID) })
	select {
	case s := <-answered:
		if s != drayhorse.Cancelled {
			t.Errorf("it was %s", s)
		}
	case <-time.After(25 * time.Second):
		t.Error("no answer")
	}
	for _, wait := range []string{"0s", "-1s", "2m", "soon", ""} {
		if got := d.do(http.MethodGet, path+wait, ""); got.code != http.StatusUnprocessableEntity || !strings.Contains(got.body, `"field":"wait"`) {
			t.Errorf("wait=%s: %d %s", wait, got.code, got.body)
		}
	}
}

func TestAServerThatStopsAnswersThoseWhoWait(t *testing.T) {
	t.Parallel()
	d := setup(t, limits(func(l *httpapi.Limits) { l.ShutdownTimeout = 20 * time.Second }))
	info, err := d.jobs.EnqueueRaw(t.Context(), "k", nil)
	if err != nil {
		t.Fatal(err)
	}
	answered := make(chan int)
	go func() {
		answered <- d.do(http.MethodGet, "/v1/jobs/"+info.ID+"?wait=1m", "").code
	}()
	time.AfterFunc(200*time.Millisecond, d.stop)
	select {
	case code := <-answered:
		if code != http.StatusOK {
			t.Errorf("status %d", code)
		}
	case <-time.After(25 * time.Second):
		t.Error("no answer")
	}
}
