package httpapi_test

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/drayhorse/drayhorse"
	"github.com/drayhorse/drayhorse/admin"
	"github.com/drayhorse/drayhorse/internal/events"
	"github.com/drayhorse/drayhorse/internal/httpapi"
	"github.com/drayhorse/drayhorse/internal/redis"
	"github.com/drayhorse/drayhorse/internal/redistest"
)

// listening is a client that listens.
type listening struct {
	t     *testing.T
	lines *bufio.Scanner
	close func()
}

// listen begins to listen, and waits until it does.
func (d *door) listen(query string, headers ...string) *listening {
	d.t.Helper()
	resp, err := http.DefaultClient.Do(d.request(http.MethodGet, "/v1/events?"+query, "", headers...))
	if err != nil {
		d.t.Fatal(err)
	}
	d.t.Cleanup(func() { _ = resp.Body.Close() })
	if resp.StatusCode != http.StatusOK || resp.Header.Get("Content-Type") != "text/event-stream" {
		d.t.Fatalf("%s: status %d, %v", query, resp.StatusCode, resp.Header)
	}
	return &listening{d.t, bufio.NewScanner(resp.Body), func() { _ = resp.Body.Close() }}
}

// next gives the next event as a browser reads it, and false after the last.
func (l *listening) next() (e admin.Event, ok bool) {
	l.t.Helper()
	id, data := "", ""
	for l.lines.Scan() {
		name, value, _ := strings.Cut(l.lines.Text(), ": ")
		switch name {
		case "id":
			id = value
		case "data":
			data += value
		case ":":
		case "":
			if data == "" { // nothing but that it lives
				continue
			}
			if err := json.Unmarshal([]byte(data), &e); err != nil || e.ID != id {
				l.t.Errorf("id %q of %s: %v", id, data, err)
			}
			return e, true
		default:
			l.t.Errorf("a line %q", l.lines.Text())
		}
	}
	return e, false
}

func (d *door) pause(target admin.Target, why string) {
	d.t.Helper()
	if err := d.queues.Pause(d.t.Context(), target, why); err != nil {
		d.t.Fatal(err)
	}
}

// TestEventsAreThoseThatATokenMayRead, whatever is in them, and from where a client was.
func TestEventsAreThoseThatATokenMayRead(t *testing.T) {
	t.Parallel()
	_, change := tokens(t, "tokens:\n"+entry("ann", "ann", `read: ["*"]`)+entry("bob", "bob", `read: [mail/welcome]`)+
		entry("cas", "cas", `read: [mail]`)+entry("eve", "eve", `enqueue: ["*"]`))
	d := setup(t, change)
	for _, queue := range []string{"mail", "other"} {
		if _, err := d.jobs.EnqueueRaw(t.Context(), "k", nil, drayhorse.Queue(queue), drayhorse.ID(queue)); err != nil {
			t.Fatal(err)
		}
	}
	clients := map[string]*listening{}
	for name, query := range map[string]string{"ann": "", "bob": "", "cas": "", "ann/other": "queue=other", "ann/where": "where=id%3Aoth&type=operator,failed"} {
		d.token, _, _ = strings.Cut(name, "/")
		clients[name] = d.listen(query)
	}
	hostile := "data: x\n\nid: 7\r\nevent: end\u2028\x00</script>\xff"
	d.pause(admin.Target{Queue: "mail"}, hostile)
	d.pause(admin.Target{Queue: "mail", Kind: "welcome"}, "2")
	d.pause(admin.Target{Queue: "mail", Kind: "bill"}, "3")
	d.pause(admin.Target{Queue: "other"}, "4")
	if err := d.queues.Cancel(t.Context(), "other", "other"); err != nil {
		t.Fatal(err)
	}
	d.pause(admin.Target{Queue: "mail", Kind: "welcome"}, "last")
	ids := map[string]string{}
	for name, want := range map[string]string{"ann": "1 2 3 4 other last", "bob": "2 last", "cas": "1 2 3 last", "ann/other": "4 other", "ann/where": "other"} {
		var got []string
		for len(got) < len(strings.Fields(want)) {
			e, ok := clients[name].next()
			if !ok {
				t.Fatalf("%s: it ends after %q", name, got)
			}
			text := e.Why + e.JobID
			if e.Why == strings.ToValidUTF8(hostile, "\ufffd") {
				text = "1"
			}
			got = append(got, text)
			ids[text] = e.ID
		}
		if strings.Join(got, " ") != want {
			t.Errorf("%s: %q; want %s", name, got, want)
		}
	}
	for token, want := range map[string]string{"ann": "4", "bob": "last"} {
		d.token = token
		if e, _ := d.listen("after=0", "Last-Event-ID: "+ids["3"]).next(); e.Why != want {
			t.Errorf("%s goes on with %+v; want %s", token, e, want)
		}
	}
	for _, c := range []struct {
		token, query string
		code         int
		says         string
	}{
		{"eve", "", http.StatusForbidden, "may not read jobs"},
		{"cas", "queue=other", http.StatusForbidden, "may not read jobs of queue"},
		{"ann", "type=finished", http.StatusUnprocessableEntity, `type \"finished\" of events; want one of`},
		{"ann", "after=x", http.StatusUnprocessableEntity, `event \"x\"; want the ID of one`},
		{"ann", "where=state%3Adiscarded", http.StatusUnprocessableEntity, "want only queue:"},
		{"ann", "kind=a%20b", http.StatusUnprocessableEntity, "a b"},
		{"ann", "state=x", http.StatusUnprocessableEntity, "is not known"},
		{"nobody", "", http.StatusUnauthorized, "not known"},
	} {
		d.token = c.token
		if a := d.do(http.MethodGet, "/v1/events?"+c.query, ""); a.code != c.code || !strings.Contains(a.body, c.says) {
			t.Errorf("%s as %s: %d %s; want %d and %s", c.query, c.token, a.code, a.body, c.code, c.says)
		}
	}
}

// TestAListenerEndsWithItsToken, before it gets another event.
func TestAListenerEndsWithItsToken(t *testing.T) {
	t.Parallel()
	path, change := tokens(t, "tokens:\n"+entry("ann", "ann", `read: ["*"]`)+entry("bob", "bob", `read: ["*"]`))
	d := setup(t, change)
	if _, err := d.jobs.EnqueueRaw(t.Context(), "k", nil, drayhorse.Queue("mail")); err != nil {
		t.Fatal(err)
	}
	d.token = "ann"
	l := d.listen("")
	write(t, path, "tokens:\n"+entry("ann", "ann", `read: [other]`)+entry("bob", "bob", `read: ["*"]`))
	d.eventually("the file is taken over", func() bool { return d.do(http.MethodGet, "/v1/series?queue=mail", "").code == http.StatusForbidden })
	d.pause(admin.Target{Queue: "mail"}, "")
	if e, ok := l.next(); ok {
		t.Errorf("it got %+v", e)
	}
}

// TestListenersAreBounded in number, and end with the server.
func TestListenersAreBounded(t *testing.T) {
	t.Parallel()
	_, change := tokens(t, "tokens:\n"+entry("ann", "ann", `read: ["*"]`)+entry("bob", "bob", `read: ["*"]`)+entry("cas", "cas", `read: ["*"]`))
	d := setup(t, change, limits(func(l *httpapi.Limits) { l.MaxListeners = 3 }))
	d.token = "ann"
	first, second := d.listen(""), d.listen("")
	if a := d.do(http.MethodGet, "/v1/events", ""); a.code != http.StatusTooManyRequests || !strings.Contains(a.body, `token \"ann\" has 2 listeners at work`) {
		t.Errorf("a third: %d %s", a.code, a.body)
	}
	d.token = "bob"
	third := d.listen("")
	if a := d.do(http.MethodGet, "/v1/events", ""); a.code != http.StatusServiceUnavailable || !strings.Contains(a.body, "3 listeners are at work") {
		t.Errorf("a fourth: %d %s", a.code, a.body)
	}
	first.close()
	d.eventually("there is room again", func() bool {
		resp, err := http.DefaultClient.Do(d.request(http.MethodHead, "/v1/events", ""))
		if err != nil {
			t.Fatal(err)
		}
		_ = resp.Body.Close()
		return resp.StatusCode == http.StatusOK
	})
	d.stop()
	for _, l := range []*listening{second, third} {
		if e, ok := l.next(); ok {
			t.Errorf("it got %+v", e)
		}
	}
}

// TestAListenerThatDoesNotReadIsCutOff, and the others get all.
func TestAListenerThatDoesNotReadIsCutOff(t *testing.T) {
	t.Parallel()
	d := setup(t, limits(func(l *httpapi.Limits) { l.ClientTimeout, l.MaxListeners = 3*time.Second, 2 }))
	client, err := redis.Open(redis.Config{URL: redistest.Shared(t)})
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	store := events.New(client, d.namespace)
	conn := d.dial()
	if _, err := fmt.Fprintf(conn, "GET /v1/events HTTP/1.1\r\nHost: %s\r\n\r\n", d.addr); err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadFull(conn, make([]byte, 12)); err != nil { // "HTTP/1.1 200"
		t.Fatal(err)
	}
	good := d.listen("")
	sent, got := 0, make(chan int)
	go func() {
		n := 0
		for {
			e, ok := good.next()
			if !ok || e.JobID == "last" {
				got <- n
				return
			}
			n += max(e.Count, 1) // those that are missing, in one
		}
	}()
	some := make([]events.Event, 1000)
	for i := range some {
		some[i] = events.Event{Type: events.Failed, Queue: "q", Kind: "k", JobID: "a", Error: strings.Repeat("e", events.MaxError)}
	}
	d.eventually("it is cut off", func() bool {
		done, err := store.Append(t.Context(), "w", 0, some)
		if err != nil || done.Listening == 0 {
			t.Fatalf("%+v, %v", done, err)
		}
		sent += len(some)
		resp, err := http.DefaultClient.Do(d.request(http.MethodHead, "/v1/events", ""))
		if err != nil {
			t.Fatal(err)
		}
		_ = resp.Body.Close()
		return resp.StatusCode == http.StatusOK
	})
	d.eventually("there is room for the last one, of so many a second", func() bool {
		done, err := store.Append(t.Context(), "w", 0, []events.Event{{Type: events.Started, Queue: "q", Kind: "k", JobID: "last"}})
		if err != nil {
			t.Fatal(err)
		}
		sent += done.Lost
		return done.Lost == 0
	})
	if n := <-got; n != sent {
		t.Errorf("the other got %d of %d", n, sent)
	}
	if _, err := io.Copy(io.Discard, conn); errors.Is(err, io.ErrUnexpectedEOF) {
		t.Error(err)
	}
}
