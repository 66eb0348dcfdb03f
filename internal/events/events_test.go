package events

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/drayhorse/drayhorse"
	"github.com/drayhorse/drayhorse/internal/embedded/embeddedtest"
	"github.com/drayhorse/drayhorse/internal/redis"
	"github.com/drayhorse/drayhorse/internal/redistest"
)

func TestMain(m *testing.M) { redistest.Main(m) }

// rig is a store and a hub in a namespace of their own.
type rig struct {
	*testing.T
	*Store

	hub *Hub
}

// conform runs a test on every kind of server.
func conform(t *testing.T, test func(r *rig)) {
	t.Helper()
	t.Parallel()
	for name, url := range map[string]func(*testing.T) string{
		"single":   func(t *testing.T) string { return redistest.Shared(t) },
		"cluster":  func(t *testing.T) string { return redistest.SharedCluster(t) },
		"embedded": func(t *testing.T) string { return embeddedtest.URL(t) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(setup(t, url(t)))
		})
	}
}

func setup(t *testing.T, url string) *rig {
	t.Helper()
	client, err := redis.Open(redis.Config{URL: url})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = client.Close() })
	r := &rig{T: t, Store: New(client, redistest.Namespace(t))}
	r.hub = NewHub(r.Store)
	t.Cleanup(r.hub.Close)
	return r
}

// listen listens until the test ends.
func (r *rig) listen(after string) *Listener {
	r.Helper()
	l, err := r.hub.Listen(r.Context(), after)
	if err != nil {
		r.Fatal(err)
	}
	r.Cleanup(l.Close)
	return l
}

// append appends n events of jobs with numbers from first on, and wants all of them added.
func (r *rig) append(first, n int) {
	r.Helper()
	all := make([]Event, n)
	for i := range all {
		all[i] = Event{At: time.Now(), Type: Completed, Queue: "q", Kind: "k", JobID: fmt.Sprint(first + i), Attempt: 1}
	}
	if done, err := r.Append(r.Context(), "w", 0, all); err != nil || done.Lost+done.Untold != 0 || done.Listening <= 0 {
		r.Fatalf("append: %+v, %v", done, err)
	}
}

// next gets the next n events; those of type Missed count as those that they stand for.
func (r *rig) next(l *Listener, n int) (got []*Event, missed int) {
	r.Helper()
	for len(got)+missed < n {
		some, err := l.Next(r.Context())
		if err != nil {
			r.Fatal(err)
		}
		for _, e := range some {
			if e.Type == Missed {
				missed += e.Count
			} else {
				got = append(got, e)
			}
		}
	}
	return got, missed
}

// jobs gives the IDs of jobs.
func jobs(all []*Event) string {
	var ids []string
	for _, e := range all {
		ids = append(ids, e.JobID)
	}
	return strings.Join(ids, " ")
}

func TestNothingIsKeptWhileNobodyListens(t *testing.T) {
	conform(t, func(r *rig) {
		done, err := r.Append(r.Context(), "w", 3, []Event{{Type: Started}})
		if err != nil || done != (Appended{}) {
			r.Errorf("%+v, %v", done, err)
		}
		if n := r.client.Exists(r.Context(), r.keys[0]).Val() + r.client.Exists(r.Context(), r.keys[1]).Val(); n != 0 {
			r.Errorf("%d keys", n)
		}
	})
}

// TestEventsComeAsTheyWere, whatever is in them.
func TestEventsComeAsTheyWere(t *testing.T) {
	conform(t, func(r *rig) {
		l := r.listen("")
		at := time.Now()
		sent := []Event{
			{At: at, Type: Started, Queue: "q", Kind: "k", JobID: "a", Attempt: 1, Most: 25, Waited: 1500 * time.Microsecond},
			{At: at, Type: Failed, Queue: "q", Kind: "k", JobID: "a", Attempt: 1, Most: 25, Ran: 2 * time.Second, Delay: time.Minute, Error: "data: no\n\nid: 7\r\n\x1b]0;\u202e</script>"},
			{At: at, Type: Operator, Act: "queue paused", By: "ann", On: "x", Why: "late", Count: 2, Queue: "q"},
		}
		if done, err := r.Append(r.Context(), "w", 0, sent); err != nil || done.Listening <= 0 {
			r.Fatalf("%+v, %v", done, err)
		}
		got, _ := r.next(l, len(sent))
		for i, e := range got {
			want := sent[i]
			want.WorkerID = "w"
			if e.ID == "" || i > 0 && e.ID <= got[i-1].ID || time.Since(e.At) > time.Minute || time.Since(e.At) < -time.Minute {
				r.Errorf("%d: ID %q at %v", i, e.ID, e.At)
			}
			same := *e
			same.ID, same.At = "", want.At
			if !reflect.DeepEqual(same, want) {
				r.Errorf("%d: %+v; want %+v", i, same, want)
			}
		}
		long := strings.Repeat("x", 10_000)
		if _, err := r.Append(r.Context(), "w", 0, []Event{{Type: Failed, Error: long, Why: long}}); err != nil {
			r.Fatal(err)
		}
		if got, _ := r.next(l, 1); len(got[0].Error) > MaxError+3 || len(got[0].Why) > maxText+3 {
			r.Errorf("an error of %d bytes, a reason of %d", len(got[0].Error), len(got[0].Why))
		}
	})
}

// TestWhoComesBackMissesNothing, and gets nothing twice, wherever he was.
func TestWhoComesBackMissesNothing(t *testing.T) {
	conform(t, func(r *rig) {
		first := r.listen("")
		var want []string
		for i := range 40 { // entries of 1 to 8 events
			r.append(len(want), i%8+1)
			for range i%8 + 1 {
				want = append(want, fmt.Sprint(len(want)))
			}
		}
		all, missed := r.next(first, len(want))
		if got := jobs(all); got != strings.Join(want, " ") || missed != 0 {
			r.Fatalf("got %s, and missed %d", got, missed)
		}
		first.Close()
		for i := range len(all) - 1 {
			l := r.listen(all[i].ID)
			if got, missed := r.next(l, len(all)-1-i); jobs(got) != jobs(all[i+1:]) || missed != 0 {
				r.Errorf("after %d: got %s, and missed %d", i, jobs(got), missed)
			}
			if l.After() != all[len(all)-1].ID {
				r.Errorf("after %d: it is at %s", i, l.After())
			}
			l.Close()
		}
		kept := r.listen(All)
		if got, missed := r.next(kept, len(all)); jobs(got) != jobs(all) || missed != 0 {
			r.Errorf("all: got %s, and missed %d", jobs(got), missed)
		}
	})
}

// TestWhoComesTooLateIsToldHowMany are not kept any more; and the stream has a bound in bytes.
func TestWhoComesTooLateIsToldHowMany(t *testing.T) {
	conform(t, func(r *rig) {
		l := r.listen("")
		r.append(0, 1)
		got, _ := r.next(l, 1)
		l.Close()
		r.limits = limits{bytes: 512 << 10, aSecond: 1e6}
		text, n := strings.Repeat("e", MaxError), 1
		for range 40 {
			some := make([]Event, 100)
			for i := range some {
				some[i] = Event{Type: Failed, Error: text, JobID: fmt.Sprint(n)}
				n++
			}
			if done, err := r.Append(r.Context(), "w", 0, some); err != nil || done.Lost != 0 {
				r.Fatalf("%+v, %v", done, err)
			}
		}
		late := r.listen(got[0].ID)
		rest, missed := r.next(late, n-1)
		if missed == 0 || len(rest) == 0 || len(rest)+missed != n-1 || rest[len(rest)-1].JobID == "" {
			r.Errorf("got %d and missed %d of %d", len(rest), missed, n-1)
		}
		var bytes int64
		for _, entry := range r.client.XRange(r.Context(), r.keys[0], "-", "+").Val() {
			bytes += int64(len(entry.Values["events"].(string))) + 100
		}
		if noted, _ := r.client.HGet(r.Context(), r.keys[1], "bytes").Int64(); noted != bytes || bytes > int64(r.limits.bytes) {
			r.Errorf("%d bytes are noted, and %d kept; want at most %d", noted, bytes, r.limits.bytes)
		}
		for _, key := range r.keys {
			if ttl := r.client.PTTL(r.Context(), key).Val(); ttl <= 0 || ttl > Kept {
				r.Errorf("%s expires in %v", key, ttl)
			}
		}
	})
}

// TestWhatIsLeftOutIsTold: by the worker, and by Redis, which takes so many events a second.
func TestWhatIsLeftOutIsTold(t *testing.T) {
	conform(t, func(r *rig) {
		l := r.listen("")
		if done, err := r.Append(r.Context(), "w", 7, []Event{{Type: Started, JobID: "a"}}); err != nil || done.Lost != 0 {
			r.Fatalf("%+v, %v", done, err)
		}
		if got, missed := r.next(l, 8); jobs(got) != "a" || missed != 7 {
			r.Errorf("got %s, and missed %d", jobs(got), missed)
		}
		if _, err := r.Append(r.Context(), "w", 2, nil); err != nil {
			r.Fatal(err)
		}
		if got, missed := r.next(l, 2); len(got) != 0 || missed != 2 {
			r.Errorf("got %s, and missed %d", jobs(got), missed)
		}
		r.limits.aSecond = 5
		if done, err := r.Append(r.Context(), "w", 0, make([]Event, 6)); err != nil || done.Lost != 6 || done.Untold != 0 {
			r.Fatalf("%+v, %v", done, err)
		}
		if got, missed := r.next(l, 6); len(got) != 0 || missed != 6 {
			r.Errorf("got %s, and missed %d", jobs(got), missed)
		}
	})
}

// TestNobodyListenedForATime: who comes then is told since when nothing was kept.
func TestNobodyListenedForATime(t *testing.T) {
	conform(t, func(r *rig) {
		l := r.listen("")
		r.append(0, 2)
		got, _ := r.next(l, 2)
		l.Close()
		r.hub.Close() // nobody reads any more
		ended := time.Now().Add(-time.Hour).Truncate(time.Millisecond)
		if err := r.client.HSet(r.Context(), r.keys[1], "until", ended.UnixMilli()).Err(); err != nil {
			r.Fatal(err)
		}
		if done, err := r.Append(r.Context(), "w", 0, []Event{{Type: Started}}); err != nil || done != (Appended{}) {
			r.Fatalf("%+v, %v", done, err)
		}
		r.hub = NewHub(r.Store)
		r.Cleanup(r.hub.Close)
		back := r.listen(got[0].ID)
		r.append(2, 1)
		var seen []*Event
		for len(seen) < 3 {
			some, err := back.Next(r.Context())
			if err != nil {
				r.Fatal(err)
			}
			seen = append(seen, some...)
		}
		if seen[0].JobID != "1" || seen[1].Type != Missed || !seen[1].Since.Equal(ended) || seen[1].Count != 0 || seen[2].JobID != "2" {
			r.Errorf("got %+v", seen)
		}
		back.Close()
		if err := r.client.Del(r.Context(), r.keys[1]).Err(); err != nil { // as when Redis has lost its data
			r.Fatal(err)
		}
		lost := r.listen(seen[2].ID)
		if some, err := lost.Next(r.Context()); err != nil || some[0].Type != Missed || some[0].Count != 0 {
			r.Errorf("got %+v, %v", some, err)
		}
		r.append(3, 1)
		if got, _ := r.next(lost, 1); got[0].JobID != "3" {
			r.Errorf("got %+v", got[0])
		}
	})
}

// TestNumbersThatGoBack, since a server has taken over that had not got the last events: who had
// got them goes on with the next ones.
func TestNumbersThatGoBack(t *testing.T) {
	conform(t, func(r *rig) {
		ahead := r.listen("")
		r.append(0, 1)
		r.append(1, 2)
		got, _ := r.next(ahead, 3)
		if err := errors.Join(
			r.client.HSet(r.Context(), r.keys[1], "number", 1).Err(),
			r.client.XDel(r.Context(), r.keys[0], "3-0").Err(),
			r.client.Do(r.Context(), "XSETID", r.keys[0], "1-0").Err(),
		); err != nil && !strings.Contains(err.Error(), "unknown command") {
			r.Fatal(err)
		} else if err != nil {
			r.Skip("this server knows no XSETID")
		}
		for i, l := range []*Listener{ahead, r.listen(got[2].ID)} {
			some, err := l.Next(r.Context())
			if err != nil || some[0].Type != Missed || some[0].Count != 0 {
				r.Fatalf("got %+v, %v", some[0], err)
			}
			r.append(3+i, 1)
			if some, err = l.Next(r.Context()); err != nil || some[0].JobID != fmt.Sprint(3+i) {
				r.Fatalf("got %+v, %v", some[0], err)
			}
		}
	})
}

// TestASlowListenerReadsFromRedis what its process does not hold any more.
func TestASlowListenerReadsFromRedis(t *testing.T) {
	conform(t, func(r *rig) {
		slow, quick := r.listen(""), r.listen("")
		const n = 2*maxHeld + 100
		for i := 0; i < n; i += 100 {
			r.append(i, 100)
		}
		for _, l := range []*Listener{quick, slow} {
			got, missed := r.next(l, n)
			for i, e := range got {
				if e.JobID != fmt.Sprint(i) {
					r.Fatalf("%d is %s", i, e.JobID)
				}
			}
			if missed != 0 {
				r.Errorf("missed %d", missed)
			}
		}
		r.hub.mu.Lock()
		defer r.hub.mu.Unlock()
		if held := len(r.hub.held.events); held > maxHeld {
			r.Errorf("%d events are held", held)
		}
	})
}

func TestWaitsEnd(t *testing.T) {
	conform(t, func(r *rig) {
		l := r.listen("")
		ctx, cancel := context.WithCancel(r.Context())
		cancel()
		if _, err := l.Next(ctx); !errors.Is(err, context.Canceled) {
			r.Errorf("cancelled: %v", err)
		}
		done := make(chan error)
		go func() {
			_, err := l.Next(r.Context())
			done <- err
		}()
		r.hub.Close()
		if err := <-done; !errors.Is(err, drayhorse.ErrClosed) {
			r.Errorf("closed: %v", err)
		}
		if _, err := r.hub.Listen(r.Context(), ""); !errors.Is(err, drayhorse.ErrClosed) {
			r.Errorf("listen: %v", err)
		}
	})
}

func TestOddKeysAndIDs(t *testing.T) {
	conform(t, func(r *rig) {
		for _, id := range []string{"x", "1", "-1", "1-", "1-2-3", "1--2", "1-99999999999999999", "\n"} {
			if _, err := r.hub.Listen(r.Context(), id); !errors.Is(err, drayhorse.ErrInvalid) {
				r.Errorf("%q: %v", id, err)
			}
		}
		l := r.listen("")
		r.append(0, 1)
		r.next(l, 1)
		for _, values := range [][]any{{"a", "b"}, {"n", "1", "at", "x", "size", "y", "by", "z", "events", "{}"}, {"n", "1", "at", "1", "size", "1", "by", "z", "events", "[null]"}} {
			if err := r.client.Do(r.Context(), append([]any{"XADD", r.keys[0], fmt.Sprintf("%d-0", r.client.HIncrBy(r.Context(), r.keys[1], "number", 1).Val())}, values...)...).Err(); err != nil {
				r.Fatal(err)
			}
		}
		r.append(1, 1)
		if got, missed := r.next(l, 4); missed != 3 || jobs(got) != "1" {
			r.Errorf("missed %d, got %s", missed, jobs(got))
		}
		l.Close()
		if err := errors.Join(r.client.Del(r.Context(), r.keys[0]).Err(), r.client.Set(r.Context(), r.keys[0], "x", 0).Err()); err != nil {
			r.Fatal(err)
		}
		if done, err := r.Append(r.Context(), "w", 1, make([]Event, 2)); err == nil || done.Lost != 2 || done.Untold != 3 {
			r.Errorf("a string: %+v, %v", done, err)
		}
	})
}
