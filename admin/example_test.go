package admin_test

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/drayhorse/drayhorse"
	"github.com/drayhorse/drayhorse/admin"
	"github.com/drayhorse/drayhorse/internal/embedded"
	"github.com/drayhorse/drayhorse/producer"
	"github.com/drayhorse/drayhorse/worker"
)

// Mail is the arguments of a job.
type Mail struct {
	To string `json:"to"`
}

func (Mail) Kind() string { return "mail" }

// shop is an application: its Redis, and what enqueues its jobs. Its methods end the program
// if something is wrong.
type shop struct {
	url      string
	admin    *admin.Admin
	producer *producer.Producer
}

// withShop calls use with an application that has just been set up.
func withShop(use func(ctx context.Context, s *shop)) {
	server, err := embedded.Start("")
	must(err)
	defer server.Close()
	s := &shop{url: server.URL()}
	s.admin, err = admin.New(admin.Config{RedisURL: s.url, Actor: "ann"})
	must(err)
	defer s.admin.Close()
	s.producer, err = producer.New(producer.Config{RedisURL: s.url})
	must(err)
	defer s.producer.Close()
	use(context.Background(), s)
}

func must(err error) {
	if err != nil {
		panic(err)
	}
}

// enqueue enqueues mails to these addresses, which are their IDs, too.
func (s *shop) enqueue(ctx context.Context, addresses ...string) {
	for _, to := range addresses {
		_, err := s.producer.Enqueue(ctx, Mail{to}, drayhorse.Queue("mail"), drayhorse.ID(to), drayhorse.MaxAttempts(1))
		must(err)
	}
}

var errRefused = errors.New("connection refused")

// work runs a worker, which cannot reach the mail server, while use runs.
func (s *shop) work(ctx context.Context, use func()) {
	w, err := worker.New(worker.Config{RedisURL: s.url, Queues: map[string]int{"mail": 1}})
	must(err)
	worker.Handle(w, func(context.Context, *drayhorse.Job[Mail]) error { return errRefused })
	ctx, stop := context.WithCancel(ctx)
	done := make(chan error)
	go func() { done <- w.Run(ctx) }()
	use()
	stop()
	must(<-done)
}

func ExampleAdmin() {
	withShop(func(ctx context.Context, s *shop) {
		a, err := admin.New(admin.Config{RedisURL: s.url, Actor: "ann"})
		if err != nil {
			fmt.Println(err)
			return
		}
		defer a.Close()
		s.enqueue(ctx, "ada@example.org", "bob@example.org")
		queues, err := a.Queues(ctx)
		for _, q := range queues {
			fmt.Println(q.Name, q.Available, q.Latency() < time.Minute, err)
		}
	})
	// Output: mail 2 true <nil>
}

// Jobs that match a filter, a page at a time, and one of them with all that is known of it.
func ExampleAdmin_Jobs() {
	withShop(func(ctx context.Context, s *shop) {
		s.enqueue(ctx, "ada@example.org", "bob@example.org", "cy@example.org")
		filter := admin.Filter{Where: `queue:mail args.to:bob@example.org`}
		for {
			page, err := s.admin.Jobs(ctx, filter)
			if err != nil {
				fmt.Println(err)
				return
			}
			for _, job := range page.Jobs {
				fmt.Println(job.ID, job.State)
			}
			if filter.Cursor = page.Next; filter.Cursor == "" {
				break
			}
		}
		count, err := s.admin.Count(ctx, admin.Filter{Where: "kind:mail state:available"})
		if err != nil {
			fmt.Println(err)
			return
		}
		job, err := s.admin.Get(ctx, "mail", "ada@example.org")
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Println(count.Jobs, string(job.Args))
	})
	// Output:
	// bob@example.org available
	// 3 {"to":"ada@example.org"}
}

// One job: cancelled, run again, deleted. That it is too late for a cancel has an error of its own.
func ExampleAdmin_Cancel() {
	withShop(func(ctx context.Context, s *shop) {
		s.enqueue(ctx, "ada@example.org")
		fmt.Println(s.admin.Cancel(ctx, "mail", "ada@example.org"))
		fmt.Println(errors.Is(s.admin.Cancel(ctx, "mail", "ada@example.org"), drayhorse.ErrEnded))
		fmt.Println(s.admin.Retry(ctx, "mail", "ada@example.org"))
		fmt.Println(s.admin.Delete(ctx, "mail", "ada@example.org"))
	})
	// Output:
	// <nil>
	// true
	// <nil>
	// <nil>
}

// What an outage has discarded runs again, all of it, and who has done that and why is kept.
func ExampleAdmin_RetryAll() {
	withShop(func(ctx context.Context, s *shop) {
		s.enqueue(ctx, "ada@example.org", "bob@example.org")
		s.work(ctx, func() {
			for _, id := range []string{"ada@example.org", "bob@example.org"} {
				info, err := s.admin.Wait(ctx, "mail", id)
				if err != nil {
					fmt.Println(err)
					return
				}
				fmt.Println(info.ID, info.State)
			}
		})
		action, err := s.admin.RetryAll(ctx, admin.Filter{Where: `state:discarded error:"connection refused"`}, "the relay is back")
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Println(action.State, action.Ended(), action.Changed)
		if action, err = s.admin.Action(ctx, action.ID); err != nil {
			fmt.Println(err)
			return
		}
		all, err := s.admin.Actions(ctx)
		fmt.Println(action.Verb, action.Actor, action.Reason, len(all), err)
	})
	// Output:
	// ada@example.org discarded
	// bob@example.org discarded
	// done true 2
	// retry ann the relay is back 1 <nil>
}

// The same for what is not wanted any more, and for what nobody will look at again.
func ExampleAdmin_CancelAll() {
	withShop(func(ctx context.Context, s *shop) {
		s.enqueue(ctx, "ada@example.org", "bob@example.org")
		cancelled, err := s.admin.CancelAll(ctx, admin.Filter{Queue: "mail"}, "the campaign is over")
		if err != nil {
			fmt.Println(err)
			return
		}
		deleted, err := s.admin.DeleteAll(ctx, admin.Filter{Queue: "mail", State: drayhorse.Cancelled}, "tidying up")
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Println(cancelled.Changed, deleted.Changed)
	})
	// Output: 2 2
}

// Why a job does not run: all that holds it up.
func ExampleAdmin_Explain() {
	withShop(func(ctx context.Context, s *shop) {
		s.enqueue(ctx, "ada@example.org")
		if err := s.admin.Pause(ctx, admin.Target{Queue: "mail"}, "the relay is down"); err != nil {
			fmt.Println(err)
			return
		}
		x, err := s.admin.Explain(ctx, "mail", "ada@example.org")
		if err != nil {
			fmt.Println(err)
			return
		}
		for _, reason := range x.Why[:2] {
			fmt.Println(reason.Gate, "-", reason.Detail)
		}
		why, err := s.admin.WhyWaits(ctx, "mail", "mail")
		fmt.Println(why, err)
	})
	// Output:
	// paused - queue mail is paused by ann: the relay is down
	// workers - no worker runs
	// no worker runs <nil>
}

// A kind is paused while its service is down; other kinds of the queue pass it.
func ExampleAdmin_Pause() {
	withShop(func(ctx context.Context, s *shop) {
		s.enqueue(ctx, "ada@example.org")
		target := admin.Target{Queue: "mail", Kind: "mail"}
		if err := s.admin.Pause(ctx, target, "the relay is down"); err != nil {
			fmt.Println(err)
			return
		}
		queue, err := s.admin.Queue(ctx, "mail")
		if err != nil {
			fmt.Println(err)
			return
		}
		pause := queue.PauseOf("mail")
		fmt.Println(pause.Kind, pause.By, pause.Why)
		fmt.Println(s.admin.Resume(ctx, target, "it is back"))
	})
	// Output:
	// mail ann the relay is down
	// <nil>
}

// What a service allows, for all workers at once.
func ExampleAdmin_SetLimit() {
	withShop(func(ctx context.Context, s *shop) {
		if _, err := s.admin.CreateQueue(ctx, "mail", 1); err != nil {
			fmt.Println(err)
			return
		}
		rate, err := drayhorse.ParseRate("100/1m")
		if err != nil {
			fmt.Println(err)
			return
		}
		breaker := drayhorse.Breaker{Rate: 0.5, Window: time.Minute, CoolDown: time.Minute}
		limit := drayhorse.Limit{Name: "smtp", Queue: "mail", Concurrency: 5, Rate: rate, Breaker: breaker}
		if err := s.admin.SetLimit(ctx, limit, "their new quota"); err != nil {
			fmt.Println(err)
			return
		}
		limits, err := s.admin.Limits(ctx)
		for _, l := range limits {
			fmt.Println(l.Name, l.Queue, l.Concurrency, l.Rate, l.By, l.Why, err)
		}
		fmt.Println(s.admin.CloseBreaker(ctx, "smtp", "they are back"))
		fmt.Println(s.admin.RemoveLimit(ctx, "smtp", "no quota any more"))
	})
	// Output:
	// smtp mail 5 100/1m ann their new quota <nil>
	// <nil>
	// <nil>
}

// A queue of several partitions with a maximum depth, which is purged and deleted.
func ExampleAdmin_CreateQueue() {
	withShop(func(ctx context.Context, s *shop) {
		queue, err := s.admin.CreateQueue(ctx, "mail", 4)
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Println(queue.Name, queue.Partitions)
		if err := s.admin.SetMaxDepth(ctx, "mail", 100_000); err != nil {
			fmt.Println(err)
			return
		}
		s.enqueue(ctx, "ada@example.org", "bob@example.org")
		_, err = s.admin.DeleteQueue(ctx, "mail", false)
		fmt.Println(errors.Is(err, drayhorse.ErrNotEmpty))
		n, err := s.admin.Purge(ctx, "mail", drayhorse.Available)
		fmt.Println(n, err)
		n, err = s.admin.DeleteQueue(ctx, "mail", false)
		fmt.Println(n, err)
	})
	// Output:
	// mail 4
	// true
	// 2 <nil>
	// 0 <nil>
}

// Workers, as they report about themselves every five seconds.
func ExampleAdmin_Workers() {
	withShop(func(ctx context.Context, s *shop) {
		s.enqueue(ctx, "ada@example.org")
		s.work(ctx, func() {
			if _, err := s.admin.Wait(ctx, "mail", "ada@example.org"); err != nil {
				fmt.Println(err)
				return
			}
			workers, err := s.admin.Workers(ctx)
			for len(workers) == 0 && err == nil { // it has not reported yet
				workers, err = s.admin.Workers(ctx)
			}
			if err != nil {
				fmt.Println(err)
				return
			}
			w, err := s.admin.Worker(ctx, workers[0].ID)
			if err != nil {
				fmt.Println(err)
				return
			}
			fmt.Println(w.State, w.Kinds, w.WorksOn("mail"), w.WorksOn("orders"))
		})
	})
	// Output: working [mail] true false
}

// What servers say of themselves.
func ExampleAdmin_Servers() {
	withShop(func(ctx context.Context, s *shop) {
		servers, err := s.admin.Servers(ctx)
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Println(len(servers), servers[0].MaxMemory)
	})
	// Output: 1 0
}

func ExampleAdmin_Events() {
	withShop(func(ctx context.Context, s *shop) {
		events, err := s.admin.Events(ctx, admin.EventQuery{Queue: "mail", Types: []admin.EventType{admin.EventDiscarded}})
		must(err)
		defer events.Close()
		s.enqueue(ctx, "ann@example.org")
		s.work(ctx, func() {
			some, err := events.Next(ctx)
			must(err)
			for _, e := range some {
				fmt.Println(e.Type, e.Queue, e.Kind, e.JobID, e.Attempt, e.Error)
			}
		})
	})
	// Output: discarded mail mail ann@example.org 1 connection refused
}

func ExampleEventTypes() {
	fmt.Println(admin.EventTypes())
	// Output: [started completed failed discarded cancelled snoozed limited released diverted rescued operator missed]
}

func ExampleAdmin_LatestEvents() {
	withShop(func(ctx context.Context, s *shop) {
		_, err := s.admin.LatestEvents(ctx) // from now on it is kept what happens
		must(err)
		s.enqueue(ctx, "ann@example.org", "bob@example.org")
		must(s.admin.Cancel(ctx, "mail", "ann@example.org"))
		must(s.admin.Cancel(ctx, "mail", "bob@example.org"))
		query := admin.EventQuery{Where: "id:ann"}
		for len(query.Types) == 0 {
			latest, err := s.admin.LatestEvents(ctx)
			must(err)
			wanted, err := query.Select(latest)
			must(err)
			for _, e := range wanted {
				fmt.Println(e.Act, e.JobID, "by", e.By)
				query.Types = append(query.Types, e.Type)
			}
		}
	})
	// Output: job cancelled ann@example.org by ann
}

// What a deploy says of itself, for the charts of the dashboard.
func ExampleAdmin_AddMark() {
	withShop(func(ctx context.Context, s *shop) {
		mark, err := s.admin.AddMark(ctx, "deploy billing 1.4.2")
		if err != nil {
			fmt.Println(err)
			return
		}
		marks, err := s.admin.Marks(ctx, mark.At, time.Time{})
		fmt.Println(len(marks), marks[0].Text, err)
	})
	// Output:
	// 1 deploy billing 1.4.2 <nil>
}

// A job that has completed, once more.
func ExampleAdmin_CloneJob() {
	withShop(func(ctx context.Context, s *shop) {
		job, err := s.producer.Enqueue(ctx, Mail{"ann@example.org"}, drayhorse.In(time.Hour))
		if err != nil {
			fmt.Println(err)
			return
		}
		clone, err := s.admin.CloneJob(ctx, "", job.ID)
		if err != nil {
			fmt.Println(err)
			return
		}
		info, err := s.admin.Get(ctx, "", clone)
		fmt.Println(string(info.Args), info.State, err)
	})
	// Output:
	// {"to":"ann@example.org"} available <nil>
}

// A job that fails because of one wrong field.
func ExampleAdmin_EditJob() {
	withShop(func(ctx context.Context, s *shop) {
		job, err := s.producer.Enqueue(ctx, Mail{"anne@example"}, drayhorse.In(time.Hour))
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Println(s.admin.EditJob(ctx, "", job.ID, []byte(`{"to":"ann@example.org"}`)))
		info, err := s.admin.Get(ctx, "", job.ID)
		fmt.Println(string(info.Args), info.State, err)
	})
	// Output:
	// <nil>
	// {"to":"ann@example.org"} scheduled <nil>
}
