package dashboard_test

import (
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/drayhorse/drayhorse/dashboard"
	"github.com/drayhorse/drayhorse/internal/events"
	"github.com/drayhorse/drayhorse/internal/redis"
	"github.com/drayhorse/drayhorse/internal/redistest"
)

// TestEventsAreByScopeAndRole: who looks sees what is in his scope, a viewer no errors, and
// text of strangers is text.
func TestEventsAreByScopeAndRole(t *testing.T) {
	r := setup(t, func(c *dashboard.Config) { c.Authenticate = byName })
	client, err := redis.Open(redis.Config{URL: redistest.Shared(t)})
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	get := func(user, path string) string {
		t.Helper()
		a := r.do("GET", path, "", as(user))
		if a.code != 200 {
			t.Fatalf("%s as %s: %d %s", path, user, a.code, a.body)
		}
		return a.body
	}
	if body := get("viewer-all", "events"); !strings.Contains(body, "Nothing yet") {
		t.Error(body)
	}
	all := strings.Join(corpus, " ")
	store := events.New(client, r.namespace)
	if _, err := store.Append(t.Context(), "w", 0, []events.Event{{At: time.Now(), Type: events.Released, Queue: "mail", Kind: "welcome", JobID: "first"}}); err != nil {
		t.Fatal(err)
	}
	done, err := store.Append(t.Context(), all, 3, []events.Event{
		{At: time.Now(), Type: events.Failed, Queue: "mail", Kind: "welcome", JobID: "mine", Attempt: 1, Most: 5, Ran: time.Second, Delay: time.Minute, Error: "out of hay"},
		{At: time.Now(), Type: events.Started, Queue: "orders", Kind: "refund", JobID: "partly", Attempt: 1, Most: 5, Waited: 3 * time.Second},
		{At: time.Now(), Type: events.Completed, Queue: "orders", Kind: "other", JobID: "theirs", Attempt: 1, Most: 5},
		{At: time.Now(), Type: events.Operator, Act: "schedule paused", On: "nightly", By: "ann", Why: "night off"},
		{At: time.Now(), Type: events.Type(all), Queue: all, Kind: all, JobID: all, Error: all, Act: all, By: all, On: all, Why: all},
	})
	if err != nil || done.Listening == 0 {
		t.Fatalf("%+v, %v", done, err)
	}
	redistest.Eventually(t, within, "the page has them", func() bool { return strings.Contains(get("reader-all", "events"), "mine") })
	has := func(user, path string, wants ...string) {
		t.Helper()
		body := get(user, path)
		body = body[strings.Index(body, `id="l-events"`):]
		for _, text := range wants {
			text, not := strings.CutPrefix(text, "!")
			if strings.Contains(body, text) == not {
				t.Errorf("%s as %s: %q is in it: %v", path, user, text, not)
			}
		}
	}
	has("reader-all", "events", "mine", "again in 1m", "out of hay", "partly", "waited 3s", "theirs", "schedule paused", "nightly", "by ann: night off", "3 events left out",
		"&lt;script&gt;alert(1)&lt;/script&gt;", `\u202egnp.exe`, "!<script>alert", "!<img src=x")
	has("viewer-all", "events", "mine", "!out of hay", "schedule paused")
	has("reader-mail", "events", "mine", "out of hay", "!partly", "!theirs", "!nightly", "!left out", "!alert(1)")
	has("reader-refund", "events", "!mine", "partly", "!theirs", "!nightly")
	has("reader-none", "events", "!mine", "!partly", "Nothing yet")
	has("reader-all", "events?queue=orders&type=started", "!mine", "partly", "!theirs")
	has("reader-all", "events?kind=welcome&where="+url.QueryEscape(`error:"OUT of"`), "mine", "!partly")
	for path, want := range map[string]string{"events?type=finished": "type &#34;finished&#34; of events; want one of", "events?where=state:discarded": "want only queue:", "events?queue=a%20b": "a b"} {
		if body := get("reader-all", path); !strings.Contains(body, want) {
			t.Errorf("%s: %s", path, body)
		}
	}
}
