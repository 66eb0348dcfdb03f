package jobs

import (
	"strings"
	"testing"

	"github.com/drayhorse/drayhorse"
	"github.com/drayhorse/drayhorse/internal/redistest"
)

func TestQueuesAreCreatedOnce(t *testing.T) {
	conform(t, func(r *rig) {
		first, err := r.CreateQueue(r.ctx, "b", 4)
		r.must(err)
		other := New(r.client, r.namespace)
		second, err := other.CreateQueue(r.ctx, "b", 2)
		r.must(err)
		third, err := New(r.client, r.namespace).Queue(r.ctx, "b")
		r.must(err)
		if len(first) != 4 || len(second) != 4 || len(third) != 4 {
			r.t.Fatalf("%d, %d and %d partitions; want the 4 of who came first", len(first), len(second), len(third))
		}
		_, err = r.Queue(r.ctx, "a")
		r.must(err)
		all, err := other.Queues(r.ctx)
		r.must(err)
		var names []string
		for _, q := range all {
			names = append(names, q[0].Queue)
		}
		if got := strings.Join(names, " "); got != "a b q" {
			r.t.Errorf("queues %q, want them by name", got)
		}
		if first[0].String() != "b" || first[3].String() != "b/3" {
			r.t.Errorf("named %v and %v", first[0], first[3])
		}
	})
}

func TestLookupFindsWhatExists(t *testing.T) {
	conform(t, func(r *rig) {
		_, err := r.Lookup(r.ctx, "none")
		r.wantError(err, drayhorse.ErrNotFound)
		_, err = r.Lookup(r.ctx, "a/b")
		r.wantError(err, drayhorse.ErrQueueInvalid)
		got, err := New(r.client, r.namespace).Lookup(r.ctx, "q")
		if err != nil || len(got) != len(r.parts) {
			r.t.Errorf("%d partitions, %v; want %d", len(got), err, len(r.parts))
		}
	})
}

func TestMeetAsksOnce(t *testing.T) {
	conform(t, func(r *rig) {
		other := New(r.client, r.namespace)
		found, err := other.Meet(r.ctx, []string{"q", "none"})
		r.must(err)
		if len(found) != 1 || len(found["q"]) != len(r.parts) {
			r.t.Errorf("met %v; want q alone, with %d partitions", found, len(r.parts))
		}
		if got, ok := other.Known("q"); !ok || len(got) != len(r.parts) {
			r.t.Errorf("q is known with %d partitions: %v; want %d", len(got), ok, len(r.parts))
		}
		if _, ok := other.Known("none"); ok {
			r.t.Error("a queue that does not exist is known")
		}
		_, err = other.Lookup(r.ctx, "none")
		r.wantError(err, drayhorse.ErrNotFound)
	})
}

func TestImpossibleQueuesAreRefused(t *testing.T) {
	conform(t, func(r *rig) {
		for _, name := range []string{"", "a/b", "{a}", strings.Repeat("a", drayhorse.MaxNameLength+1)} {
			_, err := r.Queue(r.ctx, name)
			r.wantError(err, drayhorse.ErrQueueInvalid)
		}
		for _, n := range []int{0, -1, MaxPartitions + 1} {
			_, err := r.CreateQueue(r.ctx, "a", n)
			r.wantError(err, drayhorse.ErrInvalid)
		}
		for _, n := range []string{"x", "0", "9999"} {
			r.must(r.client.HSet(r.ctx, r.registryKey(), "bad", n).Err())
			if _, err := r.Queue(r.ctx, "bad"); err == nil {
				r.t.Errorf("a registry of %s partitions was believed", n)
			}
			queues, unreadable, err := r.List(r.ctx)
			r.must(err)
			if len(queues) != 1 || queues[0][0].Queue != "q" || unreadable["bad"] == nil || !strings.Contains(unreadable["bad"].Error(), n) {
				r.t.Errorf("listed %v and %v; want q, and why bad cannot be read", queues, unreadable)
			}
			found, err := r.Meet(r.ctx, []string{"bad", "q"})
			if len(found) != 1 || err == nil || !strings.Contains(err.Error(), n) {
				r.t.Errorf("met %v, %v; want q, and why bad cannot be read", found, err)
			}
		}
	})
}

func TestUnreachableRedisIsUnavailable(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t)
	r := newRig(t, server.URL+redistest.Patient, 1)
	l := r.newLease()
	server.Kill()
	_, err := r.Queue(r.ctx, "other")
	r.wantError(err, drayhorse.ErrUnavailable)
	_, err = r.Queues(r.ctx)
	r.wantError(err, drayhorse.ErrUnavailable)
	r.wantError(r.tryTurn(&Turn{Lease: l, Want: 1}), drayhorse.ErrUnavailable)
	r.wantError(r.Beat(r.ctx, l)[0].Err, drayhorse.ErrUnavailable)
	r.wantError(r.Observe(r.ctx, r.part)[0].Err, drayhorse.ErrUnavailable)
	_, err = r.part.Summary(r.ctx)
	r.wantError(err, drayhorse.ErrUnavailable)
	_, err = r.part.Resync(r.ctx)
	r.wantError(err, drayhorse.ErrUnavailable)
	_, err = r.part.Rescue(r.ctx, nil)
	r.wantError(err, drayhorse.ErrUnavailable)
}
