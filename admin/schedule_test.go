package admin_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/drayhorse/drayhorse"
	"github.com/drayhorse/drayhorse/admin"
	"github.com/drayhorse/drayhorse/internal/redistest"
	"github.com/drayhorse/drayhorse/scheduler"
)

// schedule runs a scheduler until the test ends, and waits until it leads.
func (y *yard) schedule(all ...scheduler.Schedule) {
	y.t.Helper()
	s, err := scheduler.New(scheduler.Config{RedisURL: y.url, Namespace: y.namespace, Source: "test"})
	if err != nil {
		y.t.Fatal(err)
	}
	for _, one := range all {
		one.Args = drayhorse.Raw("k", json.RawMessage(`{}`))
		if err := s.Add(one); err != nil {
			y.t.Fatal(err)
		}
	}
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx) }()
	y.t.Cleanup(func() {
		stop()
		if err := <-done; err != nil {
			y.t.Error(err)
		}
	})
	redistest.Eventually(y.t, 20*time.Second, "a scheduler leads and the schedules are there", func() bool {
		leader, err := y.admin.Leader(y.t.Context())
		page, failed := y.admin.Schedules(y.t.Context(), "")
		return err == nil && failed == nil && leader != nil && leader.Identity != "" && len(page.Schedules) == len(all)
	})
}

func TestSchedulesAreSeenAndSteered(t *testing.T) {
	onEach(t, func(t *testing.T, y *yard) {
		ctx := t.Context()
		if leader, err := y.admin.Leader(ctx); leader != nil || err != nil {
			t.Errorf("leader %+v, %v; want none", leader, err)
		}
		if next, err := y.admin.Upcoming(ctx, 10); len(next) != 0 || err != nil {
			t.Errorf("upcoming of none: %v, %v", next, err)
		}
		y.schedule(
			scheduler.Schedule{ID: "b", Every: 1000 * time.Hour}, scheduler.Schedule{ID: "a", Every: 2000 * time.Hour},
			scheduler.Schedule{ID: "c", Manual: true},
		)
		page, err := y.admin.Schedules(ctx, "")
		if err != nil || page.Next != "" || page.Schedules[0].ID != "a" || page.Schedules[2].ID != "c" {
			t.Errorf("page %+v, %v", page, err)
		}
		next, err := y.admin.Upcoming(ctx, 10)
		if err != nil || len(next) != 2 || next[0].Next.After(next[1].Next) {
			t.Errorf("upcoming %+v, %v; want a and b by time", next, err)
		}
		if next, err := y.admin.Upcoming(ctx, 1); err != nil || len(next) != 1 {
			t.Errorf("upcoming %+v, %v; want one", next, err)
		}
		if err := errors.Join(y.admin.PauseSchedule(ctx, "a"), y.admin.PauseSchedule(ctx, "b")); err != nil {
			t.Fatal(err)
		}
		if next, err := y.admin.Upcoming(ctx, 10); err != nil || len(next) != 0 {
			t.Errorf("upcoming %+v, %v; want none: they are paused", next, err)
		}
		if err := y.admin.ResumeSchedule(ctx, "b"); err != nil {
			t.Fatal(err)
		}
		if s, err := y.admin.Schedule(ctx, "b"); err != nil || !s.Paused.IsZero() || s.Next.IsZero() {
			t.Errorf("resumed: %+v, %v", s, err)
		}
		queue, id, err := y.admin.TriggerSchedule(ctx, "c")
		if err != nil {
			t.Fatal(err)
		}
		y.state(id, drayhorse.Available)
		if ticks, err := y.admin.ScheduleHistory(ctx, "c"); err != nil || len(ticks) != 1 || ticks[0].JobID != id || ticks[0].Queue != queue {
			t.Errorf("history %+v, %v; want job %s of queue %s", ticks, err, id, queue)
		}
	})
}

// TestSchedulesAreAddedAtRunTime, changed and removed, beside those that a source declares.
func TestSchedulesAreAddedAtRunTime(t *testing.T) {
	onEach(t, func(t *testing.T, y *yard) {
		ctx := t.Context()
		y.schedule(scheduler.Schedule{ID: "declared", Every: 1000 * time.Hour})
		add := func(every time.Duration, replace bool) error {
			return y.admin.AddSchedule(ctx, admin.Declaration{ID: "added", Every: every, Kind: "k", Tags: []string{"t"}}, replace)
		}
		if err := add(time.Hour, false); err != nil {
			t.Fatal(err)
		}
		s, err := y.admin.Schedule(ctx, "added")
		if err != nil || s.Source != "" || s.Next.IsZero() || string(s.Args) != "{}" || s.Queue != drayhorse.DefaultQueue || s.Overlap != "allow" {
			t.Errorf("added: %+v, %v", s, err)
		}
		if err := add(2*time.Hour, false); !errors.Is(err, drayhorse.ErrDuplicate) {
			t.Errorf("added again: %v", err)
		}
		if err := add(2*time.Hour, true); err != nil {
			t.Errorf("replaced: %v", err)
		}
		if s, err := y.admin.Schedule(ctx, "added"); err != nil || s.Every != 2*time.Hour {
			t.Errorf("replaced: %+v, %v", s, err)
		}
		for want, d := range map[error]admin.Declaration{
			drayhorse.ErrDuplicate: {ID: "declared", Every: time.Hour, Kind: "k"},
			drayhorse.ErrInvalid:   {ID: "x", Every: time.Hour},
		} {
			if err := y.admin.AddSchedule(ctx, d, true); !errors.Is(err, want) {
				t.Errorf("%+v: %v, want %v", d, err, want)
			}
		}
		if err := errors.Join(y.admin.RemoveSchedule(ctx, "added"), y.admin.RemoveSchedule(ctx, "declared")); err != nil {
			t.Error(err)
		}
		for _, id := range []string{"added", "declared"} {
			if err := y.admin.RemoveSchedule(ctx, id); !errors.Is(err, drayhorse.ErrNotFound) {
				t.Errorf("removed twice: %v", err)
			}
		}
	})
}

func TestSchedulesThatAreNotThere(t *testing.T) {
	onEach(t, func(t *testing.T, y *yard) {
		ctx := t.Context()
		for id, want := range map[string]error{"none": drayhorse.ErrNotFound, "a/b": drayhorse.ErrInvalid, "": drayhorse.ErrInvalid} {
			_, err1 := y.admin.Schedule(ctx, id)
			_, err2 := y.admin.ScheduleHistory(ctx, id)
			_, _, err3 := y.admin.TriggerSchedule(ctx, id)
			for i, err := range []error{err1, err2, err3, y.admin.PauseSchedule(ctx, id), y.admin.ResumeSchedule(ctx, id)} {
				if !errors.Is(err, want) {
					t.Errorf("%q, call %d: %v; want %v", id, i, err, want)
				}
			}
		}
		if _, err := y.admin.Schedules(ctx, "x"); !errors.Is(err, drayhorse.ErrInvalid) {
			t.Errorf("cursor x: %v", err)
		}
		for _, limit := range []int{0, -1, 501} {
			if _, err := y.admin.Upcoming(ctx, limit); !errors.Is(err, drayhorse.ErrInvalid) {
				t.Errorf("the next %d: %v", limit, err)
			}
		}
	})
}

// TestQueuesAreCountedByName, those that cannot be counted with a problem, and in order.
func TestQueuesAreCountedByName(t *testing.T) {
	onEach(t, func(t *testing.T, y *yard) {
		ctx := t.Context()
		for i := range 3 {
			y.enqueue("k", drayhorse.Queue(fmt.Sprintf("q%d", i)))
		}
		if err := y.raw().HSet(ctx, y.namespace+":queues", "odd", "many").Err(); err != nil {
			t.Fatal(err)
		}
		names, err := y.admin.QueueNames(ctx)
		if err != nil || fmt.Sprint(names) != "[odd q0 q1 q2]" {
			t.Errorf("names %v, %v", names, err)
		}
		queues, err := y.admin.CountQueues(ctx, "q2", "none", "odd", "q0")
		if err != nil || len(queues) != 3 || queues[0].Name != "q2" || queues[0].Available != 1 || queues[1].Name != "odd" || queues[1].Problem == "" || queues[2].Name != "q0" {
			t.Errorf("queues %+v, %v", queues, err)
		}
		if queues, err := y.admin.CountQueues(ctx); err != nil || len(queues) != 0 {
			t.Errorf("of none: %+v, %v", queues, err)
		}
		if _, err := y.admin.CountQueues(ctx, make([]string, 201)...); !errors.Is(err, drayhorse.ErrInvalid) {
			t.Errorf("of too many: %v", err)
		}
	})
}

func TestServersSayHowTheyAre(t *testing.T) {
	t.Parallel()
	y := setup(t, redistest.Shared(t))
	servers, err := y.admin.Servers(t.Context())
	if err != nil || len(servers) != 1 {
		t.Fatalf("%+v, %v", servers, err)
	}
	if s := servers[0]; s.Version == "" || s.Role != "master" || s.Memory == 0 || s.Clients == 0 || s.Took <= 0 || s.Policy != "noeviction" || s.Addr == "" {
		t.Errorf("%+v", s)
	}
}

func TestServersOfAClusterSayHowTheyAre(t *testing.T) {
	t.Parallel()
	y := setup(t, redistest.SharedCluster(t))
	servers, err := y.admin.Servers(t.Context())
	if err != nil || len(servers) < 2 {
		t.Fatalf("%+v, %v; want all masters", servers, err)
	}
	for i, s := range servers {
		if s.Mode != "cluster" || i > 0 && servers[i-1].Addr >= s.Addr {
			t.Errorf("%+v", s)
		}
	}
}
