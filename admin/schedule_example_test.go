package admin_test

import (
	"context"
	"fmt"
	"time"

	"github.com/drayhorse/drayhorse/admin"
	"github.com/drayhorse/drayhorse/scheduler"
)

// A schedule that a program has declared: when it fires, paused, run by hand.
func ExampleAdmin_Schedules() {
	withShop(func(ctx context.Context, s *shop) {
		stop := s.schedule(ctx, scheduler.Schedule{ID: "digest", Cron: "0 3 * * *", Timezone: "Europe/Paris", Args: Mail{"all"}})
		defer stop()
		page, err := s.admin.Schedules(ctx, "")
		if err != nil {
			fmt.Println(err)
			return
		}
		for _, schedule := range page.Schedules {
			fmt.Println(schedule.ID, "-", schedule.When(), "-", len(schedule.Ticks(3)))
		}
		fmt.Println(s.admin.PauseSchedule(ctx, "digest"))
		fmt.Println(s.admin.ResumeSchedule(ctx, "digest"))
		if _, _, err := s.admin.TriggerSchedule(ctx, "digest"); err != nil {
			fmt.Println(err)
			return
		}
		ticks, err := s.admin.ScheduleHistory(ctx, "digest")
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Println(ticks[0].Outcome, ticks[0].State)
		next, err := s.admin.Upcoming(ctx, 10)
		if err != nil {
			fmt.Println(err)
			return
		}
		schedule, err := s.admin.Schedule(ctx, next[0].ID)
		fmt.Println(schedule.Kind, schedule.Queue, schedule.CatchUp, err)
		leader, err := s.admin.Leader(ctx)
		fmt.Println(leader.Identity, err)
	})
	// Output:
	// digest - 0 3 * * * in Europe/Paris - 3
	// <nil>
	// <nil>
	// triggered available
	// mail default last <nil>
	// shop-1 <nil>
}

// schedule runs a scheduler that declares a schedule, and returns when it leads.
func (s *shop) schedule(ctx context.Context, schedule scheduler.Schedule) (stop func()) {
	sched, err := scheduler.New(scheduler.Config{RedisURL: s.url, Identity: "shop-1"})
	must(err)
	must(sched.Add(schedule))
	running, cancel := context.WithCancel(ctx)
	done := make(chan error)
	go func() { done <- sched.Run(running) }()
	for {
		_, err := s.admin.Schedule(ctx, schedule.ID)
		leader, failed := s.admin.Leader(ctx)
		must(failed)
		if err == nil && leader != nil {
			break
		}
	}
	return func() {
		cancel()
		must(<-done)
	}
}

// The digests of a week, once more; and again, which enqueues none twice.
func ExampleAdmin_BackfillSchedule() {
	withShop(func(ctx context.Context, s *shop) {
		stop := s.schedule(ctx, scheduler.Schedule{ID: "digest", Cron: "0 3 * * *", Timezone: "Europe/Paris", Args: Mail{"all"}})
		defer stop()
		from := time.Date(2030, 1, 1, 0, 0, 0, 0, time.UTC)
		for range 2 {
			fmt.Println(s.admin.BackfillSchedule(ctx, "digest", from, from.AddDate(0, 0, 7)))
		}
	})
	// Output:
	// {7 0} <nil>
	// {0 7} <nil>
}

// A schedule that users of an application make, change and remove.
func ExampleAdmin_AddSchedule() {
	withShop(func(ctx context.Context, s *shop) {
		report := admin.Declaration{ID: "report-of-acme", Cron: "0 7 * * 1", Timezone: "Europe/Paris", Kind: "mail", Args: []byte(`{"to":"acme"}`)}
		fmt.Println(s.admin.AddSchedule(ctx, report, false))
		report.Cron = "0 7 * * 1-5"
		fmt.Println(s.admin.AddSchedule(ctx, report, true))
		added, err := s.admin.Schedule(ctx, report.ID)
		fmt.Println(added.When(), err)
		fmt.Println(s.admin.RemoveSchedule(ctx, report.ID))
	})
	// Output:
	// <nil>
	// <nil>
	// 0 7 * * 1-5 in Europe/Paris <nil>
	// <nil>
}
