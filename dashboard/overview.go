package dashboard

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"github.com/drayhorse/drayhorse/admin"
	"github.com/drayhorse/drayhorse/internal/figures"
	"github.com/drayhorse/drayhorse/internal/registry"
)

// overviewPage is the first page: how much there is, how fast it goes, what needs a look.
type overviewPage struct {
	Sum        sums
	Throughput chart
	Rates      rates
	Notices    []notice
	MoreNotes  int
	Queues     []queueRow
	QueueCount int
	Counted    int // of the queues
	Workers    fleet
	Use        int // percent of the slots, by the jobs that run
	Fleet      []workerRow
	Leader     *admin.Leader
	LeaderFor  figures.Moment
	Upcoming   []scheduleRow
}

// sums adds up all queues that were counted.
type sums struct {
	Scheduled, Available, Running, Retryable, Completed, Cancelled, Discarded int
	Oldest                                                                    time.Duration
	OldestQueue                                                               string
	Paused                                                                    int
}

// fleet is all workers together.
type fleet struct {
	Count, Slots, Running, Quiet, Stuck int
	Use                                 int // percent of the slots
}

// Of the overview.
const (
	overviewQueues  = 12
	overviewWorkers = 8
	overviewNotices = 8
)

func overview(q *request) error {
	r, err := q.board()
	if err != nil {
		return err
	}
	p := &overviewPage{
		Throughput: throughput(r.rates[""]), Rates: r.rates[""], QueueCount: len(r.names), Counted: len(r.queues),
		Workers: fleetOf(r.workers), Leader: r.leader,
	}
	if r.leader != nil {
		p.LeaderFor = figures.When(r.leader.Since, r.now)
	}
	for i := range r.queues {
		p.Sum.add(&r.queues[i])
		p.Queues = append(p.Queues, rowOf(&r.queues[i], r))
	}
	slices.SortStableFunc(p.Queues, func(a, b queueRow) int {
		return cmp.Or(cmp.Compare(b.Available+b.Running+b.Retryable, a.Available+a.Running+a.Retryable), cmp.Compare(a.Name, b.Name))
	})
	p.Queues = p.Queues[:min(len(p.Queues), overviewQueues)]
	p.Use = figures.Percent(p.Sum.Running, p.Workers.Slots)
	for i := range r.workers[:min(len(r.workers), overviewWorkers)] {
		p.Fleet = append(p.Fleet, rowOfWorker(&r.workers[i], r.now))
	}
	for _, s := range r.upcoming {
		p.Upcoming = append(p.Upcoming, rowOfSchedule(s, r.now))
	}
	p.Notices = noticesOf(r)
	if most := overviewNotices; len(p.Notices) > most {
		p.MoreNotes = len(p.Notices) - most
		p.Notices = p.Notices[:most]
	}
	return q.show("overview", "Overview", p)
}

func (s *sums) add(q *admin.Queue) {
	s.Scheduled += q.Scheduled
	s.Available += q.Available
	s.Running += q.Running
	s.Retryable += q.Retryable
	s.Completed += q.Completed
	s.Cancelled += q.Cancelled
	s.Discarded += q.Discarded
	if q.Paused {
		s.Paused++
	}
	if l := q.Latency(); l > s.Oldest {
		s.Oldest, s.OldestQueue = l, q.Name
	}
}

func fleetOf(workers []admin.Worker) fleet {
	f := fleet{Count: len(workers)}
	for i := range workers {
		w := &workers[i]
		f.Slots, f.Running, f.Stuck = f.Slots+w.Concurrency, f.Running+w.Running, f.Stuck+w.Stuck
		if w.State != admin.WorkerWorking {
			f.Quiet++
		}
	}
	f.Use = figures.Percent(f.Running, f.Slots)
	return f
}

// notice is something that needs a look.
type notice struct {
	Level string // bad, warn, note
	Text  string
	Link  string
}

// What is worth saying.
const (
	longWait  = time.Minute
	longerYet = 10 * time.Minute
	late      = 10 * time.Second // a tick that has not fired
)

// noticesOf finds what needs a look, the worst in front.
func noticesOf(r *reading) (all []notice) {
	say := func(level, link, format string, args ...any) {
		all = append(all, newNotice(level, link, format, args...))
	}
	waiting, dead, deadQueues := 0, 0, 0
	for i := range r.queues {
		queue := &r.queues[i]
		waiting += queue.Available
		if dead += queue.Discarded; queue.Discarded > 0 {
			deadQueues++
		}
		noticesOfQueue(queue, r, say)
	}
	if len(r.workers) == 0 && waiting > 0 {
		say("bad", "workers", "No worker runs, and %s.", waits(waiting))
	}
	for i := range r.workers {
		if w := &r.workers[i]; w.Stuck > 0 {
			say("warn", "workers", "On %s, %s although their time is over.", w.Host, map[bool]string{true: "1 handler goes on", false: figures.Count(w.Stuck) + " handlers go on"}[w.Stuck == 1])
		}
	}
	if r.leader == nil && len(r.upcoming) > 0 {
		say("bad", "schedules", "No scheduler leads, so schedules do not fire.")
	}
	for _, s := range r.upcoming {
		if d := r.now.Sub(s.Next); d > late {
			say("warn", link("schedule", "id", s.ID), "Schedule %s is %s late.", s.ID, figures.Rough(d))
		}
	}
	if dead > 0 {
		say("note", "jobs?state=discarded", "%s kept in %s.", figures.Plural(dead, "discarded job"), figures.Plural(deadQueues, "queue"))
	}
	rank := map[string]int{"bad": 0, "warn": 1, "note": 2}
	slices.SortStableFunc(all, func(a, b notice) int { return cmp.Compare(rank[a.Level], rank[b.Level]) })
	return all
}

func noticesOfQueue(queue *admin.Queue, r *reading, say func(level, link, format string, args ...any)) {
	to := link("queue", "queue", queue.Name)
	latency := queue.Latency()
	switch {
	case queue.Problem != "":
		say("bad", to, "Queue %s cannot be counted: %s", queue.Name, queue.Problem)
	case queue.Paused:
		say("warn", to, "Queue %s is paused, and %s.", queue.Name, waits(queue.Available))
	case queue.Available > 0 && len(r.workers) > 0 && !registry.WorksOn(r.workers, queue.Name):
		say("bad", to, "No worker works on queue %s, and %s.", queue.Name, waits(queue.Available))
	case latency > longerYet:
		say("bad", to, "The next job of queue %s has waited %s.", queue.Name, figures.Rough(latency))
	case latency > longWait:
		say("warn", to, "The next job of queue %s has waited %s.", queue.Name, figures.Rough(latency))
	}
	if queue.Parked > 0 {
		say("warn", to, "In queue %s, %s for a worker that serves their kind.", queue.Name, waits(queue.Parked))
	}
	if queue.Suspects > 0 {
		say("warn", to, "In queue %s, %s: their workers died twice.", queue.Name, map[bool]string{true: "1 job is suspect", false: figures.Count(queue.Suspects) + " jobs are suspect"}[queue.Suspects == 1])
	}
}

func waits(n int) string {
	if n == 1 {
		return "1 job waits"
	}
	return figures.Count(n) + " jobs wait"
}

func newNotice(level, to, format string, args ...any) notice {
	return notice{level, fmt.Sprintf(format, args...), to}
}
