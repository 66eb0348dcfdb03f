package handlers

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/drayhorse/drayhorse"
)

func TestRedirects(t *testing.T) {
	t.Parallel()
	type arrival struct{ method, body, token, id, referer string }
	arrivals := make(chan arrival, 10)
	target := serve(t, func(_ http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		arrivals <- arrival{r.Method, string(body), r.Header.Get("X-Token"), r.Header.Get("Drayhorse-Job-Id"), r.Referer()}
	})
	for _, c := range []struct {
		status, limit int
		want          *arrival
	}{
		{http.StatusMovedPermanently, 3, nil},
		{http.StatusFound, 3, nil},
		{http.StatusSeeOther, 3, nil},
		{http.StatusTemporaryRedirect, 0, nil},
		{http.StatusPermanentRedirect, 0, nil},
		{http.StatusTemporaryRedirect, 1, &arrival{"POST", `{"a":1}`, "", "job-1", ""}},
		{http.StatusPermanentRedirect, 3, &arrival{"POST", `{"a":1}`, "", "job-1", ""}},
	} {
		front := serve(t, http.RedirectHandler(target.URL, c.status).ServeHTTP)
		cfg := &HTTP{URL: front.URL + "/hidden", AllowPrivate: true, Redirects: c.limit, Headers: map[string]string{"X-Token": "t"}}
		err := buildOne(t, Config{HTTP: cfg}, Options{})(t.Context(), newJob(`{"a":1}`).Job)
		if c.want == nil {
			if destination(err) != drayhorse.Retryable || !strings.Contains(err.Error(), "redirect not followed") || len(arrivals) > 0 {
				t.Errorf("%d with redirects %d: %v, %d arrivals; want it not followed", c.status, c.limit, err, len(arrivals))
			}
			continue
		}
		if err != nil {
			t.Errorf("%d with redirects %d: %v", c.status, c.limit, err)
		} else if got := <-arrivals; got != *c.want {
			t.Errorf("%d: arrived as %+v; want %+v", c.status, got, *c.want)
		}
	}
	var loop *httptest.Server
	var hits atomic.Int64
	loop = serve(t, func(w http.ResponseWriter, r *http.Request) {
		hits.Add(1)
		http.Redirect(w, r, loop.URL, http.StatusTemporaryRedirect)
	})
	cfg := &HTTP{URL: loop.URL, AllowPrivate: true, Redirects: 2}
	if err := buildOne(t, Config{HTTP: cfg}, Options{})(t.Context(), newJob("{}").Job); destination(err) != drayhorse.Retryable || hits.Load() != 3 {
		t.Errorf("a loop gives %v after %d requests; want 3", err, hits.Load())
	}
}

// TestSecretsStayWithTheirOrigin: neither signature nor headers of a handler go to
// another one, nor come back from there.
func TestSecretsStayWithTheirOrigin(t *testing.T) {
	t.Parallel()
	type arrival struct{ at, signature, own, secret, id string }
	arrivals := make(chan arrival, 10)
	record := func(at string, r *http.Request) {
		arrivals <- arrival{at, r.Header.Get("Drayhorse-Signature"), r.Header.Get("X-Own"), r.Header.Get("Authorization"), r.Header.Get("Drayhorse-Job-Id")}
	}
	var home, other *httptest.Server
	other = serve(t, func(w http.ResponseWriter, r *http.Request) {
		record("other", r)
		http.Redirect(w, r, home.URL+"/end", http.StatusTemporaryRedirect)
	})
	home = serve(t, func(w http.ResponseWriter, r *http.Request) {
		record("home", r)
		switch r.URL.Path {
		case "/":
			http.Redirect(w, r, "/next", http.StatusPermanentRedirect)
		case "/next":
			http.Redirect(w, r, other.URL, http.StatusTemporaryRedirect)
		}
	})
	cfg := &HTTP{
		URL: home.URL + "/", AllowPrivate: true, Redirects: 5, Secret: &SecretSource{Env: "KEY"}, Headers: map[string]string{"X-Own": "1"},
		SecretHeaders: map[string]SecretSource{"Authorization": {Env: "TOKEN"}},
	}
	opts := Options{LookupEnv: func(string) (string, bool) { return "s3cret", true }}
	if err := buildOne(t, Config{HTTP: cfg}, opts)(t.Context(), newJob("{}").Job); err != nil {
		t.Fatal(err)
	}
	for i, at := range []string{"home", "home", "other", "home"} {
		got := <-arrivals
		secrets := got.signature != "" && got.own != "" && got.secret != ""
		none := got.signature == "" && got.own == "" && got.secret == ""
		if got.at != at || got.id != "job-1" || i < 2 && !secrets || i >= 2 && !none {
			t.Errorf("request %d arrived as %+v", i, got)
		}
	}
}

func TestRedirectOutOfTLS(t *testing.T) {
	t.Parallel()
	plain, hits := count(t)
	secure := httptest.NewTLSServer(http.RedirectHandler(plain.URL, http.StatusTemporaryRedirect))
	t.Cleanup(secure.Close)
	client := newClient(secure.Client().Transport.(*http.Transport), 3, nil)
	resp, err := client.Post(secure.URL, "application/json", strings.NewReader("{}"))
	if resp != nil {
		_ = resp.Body.Close()
	}
	if !errors.Is(err, errDowngrade) || hits.Load() != 0 {
		t.Errorf("error %v, %d requests in the open; want it refused", err, hits.Load())
	}
}

func TestConnectionsAreReused(t *testing.T) {
	t.Parallel()
	var opened atomic.Int64
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "fine") }))
	server.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		if state == http.StateNew {
			opened.Add(1)
		}
	}
	server.Start()
	t.Cleanup(server.Close)
	run := buildOne(t, Config{HTTP: &HTTP{URL: server.URL, AllowPrivate: true}}, Options{})
	for range 20 {
		if err := run(t.Context(), newJob("{}").Job); err != nil {
			t.Fatal(err)
		}
	}
	if n := opened.Load(); n != 1 {
		t.Errorf("%d connections for 20 requests; want 1", n)
	}
}

// TestHostIsSharedByItsHandlers: the lower limit counts for both.
func TestHostIsSharedByItsHandlers(t *testing.T) {
	t.Parallel()
	arrived, release := make(chan struct{}, 10), make(chan struct{})
	server := serve(t, func(http.ResponseWriter, *http.Request) {
		arrived <- struct{}{}
		<-release
	})
	set, err := Build(map[string]Config{
		"a": {HTTP: &HTTP{URL: server.URL + "/a", AllowPrivate: true, MaxPerHost: 1}},
		"b": {HTTP: &HTTP{URL: server.URL + "/b", AllowPrivate: true, MaxPerHost: 5}},
	}, Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(set.Close)
	first := make(chan error, 1)
	go func() { first <- set.Funcs["a"](t.Context(), newJob("{}").Job) }()
	<-arrived
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	if err := set.Funcs["b"](ctx, newJob("{}").Job); !errors.Is(err, context.DeadlineExceeded) || len(arrived) > 0 {
		t.Errorf("beside the first: %v, %d arrived; want it to wait", err, len(arrived))
	}
	close(release)
	if err := <-first; err != nil {
		t.Error(err)
	}
	if err := set.Funcs["b"](t.Context(), newJob("{}").Job); err != nil {
		t.Errorf("after the first: %v", err)
	}
}
