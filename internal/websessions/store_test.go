package websessions_test

import (
	"fmt"
	"sync"
	"testing"
	"time"

	goredis "github.com/redis/go-redis/v9"

	"github.com/drayhorse/drayhorse/internal/embedded/embeddedtest"
	"github.com/drayhorse/drayhorse/internal/redis"
	"github.com/drayhorse/drayhorse/internal/redistest"
	"github.com/drayhorse/drayhorse/internal/websessions"
)

func TestMain(m *testing.M) { redistest.Main(m) }

// desk is a store whose clock the test moves.
type desk struct {
	*testing.T
	*websessions.Store

	mu     sync.Mutex
	now    time.Time
	raw    *goredis.Client
	prefix string
}

func (d *desk) clock() time.Time { d.mu.Lock(); defer d.mu.Unlock(); return d.now }

func (d *desk) pass(t time.Duration) { d.mu.Lock(); defer d.mu.Unlock(); d.now = d.now.Add(t) }

// onEach runs a test on a real server and on the embedded one.
func onEach(t *testing.T, test func(d *desk)) {
	t.Parallel()
	run := func(name string, url func(t *testing.T) string) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			at := url(t)
			client, err := redis.Open(redis.Config{URL: at})
			if err != nil {
				t.Fatal(err)
			}
			options, _ := goredis.ParseURL(at)
			d := &desk{T: t, now: time.Unix(1_900_000_000, 0), raw: goredis.NewClient(options), prefix: redistest.Namespace(t)}
			t.Cleanup(func() { _, _ = client.Close(), d.raw.Close() })
			d.Store = websessions.New(client, d.prefix, d.clock)
			test(d)
		})
	}
	run("redis", func(t *testing.T) string { return redistest.Shared(t) })
	run("embedded", func(t *testing.T) string { return embeddedtest.URL(t) })
}

func (d *desk) begin(user string) string {
	d.Helper()
	token, err := d.Begin(d.Context(), user, "abc")
	if err != nil || len(token) != 43 {
		d.Fatalf("token %q, %v", token, err)
	}
	return token
}

// is wants a token to be a user's; "": nobody's.
func (d *desk) is(token, want string, inUse bool) {
	d.Helper()
	user, stamp, err := d.Find(d.Context(), token, inUse)
	if err != nil || user != want || want != "" && stamp != "abc" {
		d.Errorf("the token is %q's (%q, %v); want %q", user, stamp, err, want)
	}
}

// keeps counts what Redis has of sessions.
func (d *desk) keeps(want int64) {
	d.Helper()
	n, err := d.raw.HLen(d.Context(), d.prefix+":{@web}:sessions").Result()
	ends, failed := d.raw.ZCard(d.Context(), d.prefix+":{@web}:ends").Result()
	if err != nil || failed != nil || n != want || ends != want {
		d.Errorf("%d sessions and %d ends are kept (%v, %v); want %d", n, ends, err, failed, want)
	}
}

func TestASessionEnds(t *testing.T) {
	onEach(t, func(d *desk) {
		idle, used, old := d.begin("ann"), d.begin("a|b c"), d.begin("ann")
		if idle == used {
			d.Fatal("two tokens are one")
		}
		d.is(used, "a|b c", true)
		d.is(idle+"x", "", true)
		d.is("", "", true)
		d.is(websessions.ID(idle), "", true) // who reads Redis has no token
		d.pass(29 * time.Minute)
		d.is(used, "a|b c", true)
		d.is(old, "ann", true)
		d.is(idle, "ann", false) // a page that fetches itself does not keep it
		d.pass(2 * time.Minute)
		d.is(idle, "", true)
		d.is(used, "a|b c", true)
		d.is(old, "ann", true)
		for range 22 {
			d.pass(29 * time.Minute)
			d.is(used, "a|b c", true)
			d.is(old, "ann", true)
		}
		d.pass(50 * time.Minute) // more than 12 hours in all
		d.is(used, "", true)
		d.is(old, "", true)
		d.keeps(0)
		if n, _ := d.raw.Exists(d.Context(), d.prefix+":{@web}:owners").Result(); n != 0 {
			d.Error("owners of no session are kept")
		}
	})
}

func TestASessionIsEnded(t *testing.T) {
	onEach(t, func(d *desk) {
		one, two, other := d.begin("ann"), d.begin("ann"), d.begin("bob")
		if err := d.End(d.Context(), one); err != nil {
			d.Fatal(err)
		}
		d.is(one, "", true) // replay
		d.is(two, "ann", true)
		if err := d.EndAll(d.Context(), "ann"); err != nil {
			d.Fatal(err)
		}
		d.is(two, "", true)
		d.is(other, "bob", true)
		if err := d.End(d.Context(), "none"); err != nil {
			d.Fatal(err)
		}
		d.keeps(1)
	})
}

func TestSessionsOfAUserAreBounded(t *testing.T) {
	onEach(t, func(d *desk) {
		bob := d.begin("bob")
		var all []string
		for range 25 {
			d.pass(time.Second)
			all = append(all, d.begin("ann"))
		}
		d.keeps(21)
		d.is(all[4], "", true)
		d.is(all[5], "ann", true)
		d.is(bob, "bob", true)
	})
}

// wait wants a try to be told to wait.
func (d *desk) wait(user, address string, want time.Duration) {
	d.Helper()
	if got, err := d.Attempt(d.Context(), user, address); err != nil || got != want {
		d.Errorf("%s from %s waits %v, %v; want %v", user, address, got, err, want)
	}
}

func TestFailedLoginsWait(t *testing.T) {
	onEach(t, func(d *desk) {
		for i := range 6 { // the sixth is the first that a wait follows
			d.wait("ann", fmt.Sprint("10.0.0.", i), 0)
		}
		d.wait("ann", "10.0.0.9", time.Second)
		d.pass(time.Second)
		d.wait("ann", "10.0.0.9", 0)
		d.wait("ann", "10.0.0.9", 2*time.Second)
		for range 10 {
			d.pass(31 * time.Second)
			d.wait("ann", "10.0.0.9", 0)
		}
		d.wait("ann", "10.0.0.8", 30*time.Second) // and never longer
		d.wait("bob", "10.0.0.8", 0)              // nobody else does
		d.pass(30 * time.Second)
		d.wait("ann", "10.0.0.8", 0)
		if err := d.Forgive(d.Context(), "ann", "10.0.0.8"); err != nil {
			d.Fatal(err)
		}
		for i := range 20 {
			d.wait("ann", fmt.Sprint("10.0.1.", i), map[bool]time.Duration{true: time.Second}[i > 5])
		}
		d.wait("ann", "10.0.0.8", 0) // whence ann came before, strangers keep nobody out
	})
}

func TestFailedLoginsOfAnAddressWait(t *testing.T) {
	onEach(t, func(d *desk) {
		for i := range 11 {
			d.wait(fmt.Sprint("user", i), "::1", 0)
		}
		d.wait("user99", "::1", time.Second)
		d.pass(time.Second)
		d.wait("mallory", "::1", 0)
		if err := d.Forgive(d.Context(), "mallory", "::1"); err != nil { // who has a password
			d.Fatal(err)
		}
		d.wait("user98", "::1", 0)
		d.wait("user97", "::1", 2*time.Second)
		for range 12 {
			d.pass(15 * time.Minute)
			d.wait("user96", "::1", 0)
		}
		d.wait("user95", "::1", 15*time.Minute)
		d.pass(25 * time.Hour)
		d.wait("user95", "::1", 0)
		if n, _ := d.raw.HLen(d.Context(), d.prefix+":{@web}:tries").Result(); n != 2 {
			d.Errorf("%d tries are kept; want those of one address and one user", n)
		}
	})
}
