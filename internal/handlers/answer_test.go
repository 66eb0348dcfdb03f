package handlers

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/drayhorse/drayhorse"
)

// serve runs a server that answers with answer.
func serve(t *testing.T, answer http.HandlerFunc) *httptest.Server {
	t.Helper()
	server := httptest.NewServer(answer)
	t.Cleanup(server.Close)
	return server
}

// untilLeft waits until the client has gone, which a server notices only when it
// has read the request.
func untilLeft(r *http.Request) {
	_, _ = io.Copy(io.Discard, r.Body)
	<-r.Context().Done()
}

func TestStatusesDecide(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		status     int
		retryAfter string
		to         drayhorse.State
		after      time.Duration
	}{
		{status: 200, to: drayhorse.Completed},
		{status: 201, to: drayhorse.Completed},
		{status: 204, to: drayhorse.Completed},
		{status: 299, to: drayhorse.Completed},
		{status: 300, to: drayhorse.Retryable},
		{status: 304, to: drayhorse.Retryable},
		{status: 400, to: drayhorse.Discarded},
		{status: 404, to: drayhorse.Discarded, retryAfter: "7"},
		{status: 408, to: drayhorse.Retryable},
		{status: 410, to: drayhorse.Discarded},
		{status: 425, to: drayhorse.Retryable},
		{status: 429, to: drayhorse.Retryable},
		{status: 429, to: drayhorse.Retryable, retryAfter: "7", after: 7 * time.Second},
		{status: 429, to: drayhorse.Retryable, retryAfter: "0"},
		{status: 429, to: drayhorse.Retryable, retryAfter: "soon"},
		{status: 429, to: drayhorse.Retryable, retryAfter: "99999999999999999999", after: time.Hour},
		{status: 499, to: drayhorse.Discarded},
		{status: 500, to: drayhorse.Retryable},
		{status: 502, to: drayhorse.Retryable},
		{status: 503, to: drayhorse.Retryable},
		{status: 503, to: drayhorse.Retryable, retryAfter: "7200", after: time.Hour},
		{status: 503, to: drayhorse.Retryable, retryAfter: "Wed, 21 Oct 2015 07:28:00 GMT"},
		{status: 503, to: drayhorse.Retryable, retryAfter: "Fri, 31 Dec 9999 23:59:59 GMT", after: time.Hour},
		{status: 599, to: drayhorse.Retryable},
	} {
		server := serve(t, func(w http.ResponseWriter, _ *http.Request) {
			if c.retryAfter != "" {
				w.Header().Set("Retry-After", c.retryAfter)
			}
			w.WriteHeader(c.status)
			if c.status != 204 && c.status != 304 {
				_, _ = io.WriteString(w, " the\x00 reason\n")
			}
		})
		job := newJob("{}")
		err := buildOne(t, Config{HTTP: &HTTP{URL: server.URL + "/hook?token=hidden", AllowPrivate: true}}, Options{})(t.Context(), job.Job)
		if got := destination(err); got != c.to {
			t.Errorf("%d: %s (%v); want %s", c.status, got, err, c.to)
			continue
		}
		if err == nil {
			continue
		}
		var after time.Duration
		if steer, ok := errors.AsType[*drayhorse.Steer](err); ok {
			after = steer.After
		}
		if after != c.after {
			t.Errorf("%d with Retry-After %q: after %v; want %v", c.status, c.retryAfter, after, c.after)
		}
		if c.status >= 400 && !strings.Contains(err.Error(), fmt.Sprint(c.status)+" "+http.StatusText(c.status)+": the\uFFFD reason") {
			t.Errorf("%d: error is %q; want the status and what the server said", c.status, err)
		}
		if strings.Contains(err.Error(), "hidden") || job.result != nil {
			t.Errorf("%d: error %q, result %s; want neither query nor result", c.status, err, job.result)
		}
	}
}

func TestRetryAfterDate(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	if d, ok := retryAfter("Fri, 02 Jan 2026 03:05:05 GMT", now); !ok || d != time.Minute {
		t.Errorf("a minute from now is %v, %v", d, ok)
	}
}

func TestAnswerIsTheResult(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ body, result, warning string }{
		"JSON":        {`{"id": 12345678901234567890}`, `{"id":12345678901234567890}`, ""},
		"text":        {"fine\n", `"fine\n"`, ""},
		"nothing":     {"", "", ""},
		"exact":       {strings.Repeat("x", 100), `"` + strings.Repeat("x", 100) + `"`, ""},
		"long":        {strings.Repeat("x", 101), "", "over 100 bytes"},
		"not text":    {"\xff", "", "neither JSON nor UTF-8"},
		"JSON or not": {"\"\xff\"", "", "neither JSON nor UTF-8"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := serve(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, c.body) })
			var log strings.Builder
			opts := Options{Logger: slog.New(slog.NewTextHandler(&log, nil))}
			job := newJob("{}")
			cfg := &HTTP{URL: server.URL, AllowPrivate: true, MaxResponseBytes: 100}
			if err := buildOne(t, Config{HTTP: cfg}, opts)(t.Context(), job.Job); err != nil {
				t.Fatal(err)
			}
			if string(job.result) != c.result {
				t.Errorf("result is %s; want %s", job.result, c.result)
			}
			if !strings.Contains(log.String(), c.warning) || (c.warning == "") != (log.String() == "") {
				t.Errorf("log is %q; want %q", &log, c.warning)
			}
		})
	}
}

func TestAnswersThatDoNotArrive(t *testing.T) {
	t.Parallel()
	hang := func(_ http.ResponseWriter, r *http.Request) { untilLeft(r) }
	slow := func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(http.StatusOK)
		_ = http.NewResponseController(w).Flush()
		untilLeft(r)
	}
	cut := func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", "100")
		_, _ = io.WriteString(w, "half")
		_ = http.NewResponseController(w).Flush()
		panic(http.ErrAbortHandler)
	}
	abort := func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }
	for name, c := range map[string]struct {
		answer http.HandlerFunc
		want   string
	}{
		"hang":           {hang, "timed out after 200ms"},
		"hang midway":    {slow, "timed out after 200ms"},
		"close midway":   {cut, "read answer: unexpected EOF"},
		"close at once":  {abort, "EOF"},
		"nobody listens": {nil, "connection refused"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := serve(t, c.answer)
			if c.answer == nil {
				server.Close()
			}
			job := newJob("{}")
			cfg := &HTTP{URL: server.URL + "/hidden", AllowPrivate: true, Timeout: time.Minute}
			if strings.HasPrefix(name, "hang") {
				cfg.Timeout = 200 * time.Millisecond
			}
			err := buildOne(t, Config{HTTP: cfg}, Options{})(t.Context(), job.Job)
			if destination(err) != drayhorse.Retryable || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "hidden") {
				t.Errorf("error is %v; want %q without the path", err, c.want)
			}
			if job.result != nil {
				t.Errorf("result is %s; want none", job.result)
			}
		})
	}
}

func TestContextOfTheJobEndsTheRequest(t *testing.T) {
	t.Parallel()
	arrived := make(chan struct{})
	server := serve(t, func(_ http.ResponseWriter, r *http.Request) {
		close(arrived)
		untilLeft(r)
	})
	ctx, cancel := context.WithCancelCause(t.Context())
	go func() {
		<-arrived
		cancel(drayhorse.ErrStopping)
	}()
	err := buildOne(t, Config{HTTP: &HTTP{URL: server.URL, AllowPrivate: true}}, Options{})(ctx, newJob("{}").Job)
	if !errors.Is(err, drayhorse.ErrStopping) {
		t.Errorf("error is %v; want the cause of the context", err)
	}
}

func TestEndlessAnswerIsNotRead(t *testing.T) {
	t.Parallel()
	var written atomic.Int64
	stopped := make(chan struct{})
	server := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		defer close(stopped)
		for chunk := make([]byte, 32<<10); written.Load() < 1<<30; {
			n, err := w.Write(chunk)
			if written.Add(int64(n)); err != nil {
				return
			}
		}
	})
	job := newJob("{}")
	if err := buildOne(t, Config{HTTP: &HTTP{URL: server.URL, AllowPrivate: true}}, Options{})(t.Context(), job.Job); err != nil || job.result != nil {
		t.Errorf("error %v, result of %d bytes; want neither", err, len(job.result))
	}
	<-stopped
	if n := written.Load(); n > 64<<20 {
		t.Errorf("the server could write %d bytes; want little over the limit and what sockets hold", n)
	}
}

// FuzzRetryAfter: whatever a server says, the wait is positive or left to the queue.
func FuzzRetryAfter(f *testing.F) {
	f.Add("120")
	f.Add("Wed, 02 Jan 2030 15:04:05 GMT")
	f.Add("99999999999999999999")
	f.Add("-1")
	now := time.Date(2030, 1, 2, 15, 4, 0, 0, time.UTC)
	f.Fuzz(func(t *testing.T, header string) {
		if wait, ok := retryAfter(header, now); ok && wait <= 0 {
			t.Errorf("%q: %v", header, wait)
		}
	})
}
