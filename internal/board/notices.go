package board

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"github.com/drayhorse/drayhorse/admin"
	"github.com/drayhorse/drayhorse/internal/figures"
)

// Level says how bad something is.
type Level string

// The levels, the worst in front.
const (
	Bad  Level = "bad"
	Warn Level = "warn"
	Note Level = "note"
)

// About says where one looks for more.
type About int

// What notices are about.
const (
	AboutQueue About = iota // Name is the queue
	AboutWorkers
	AboutSchedules
	AboutSchedule  // Name is its ID
	AboutDiscarded // jobs in that state
	AboutRedis
)

// Notice is something that needs a look.
type Notice struct {
	Level Level
	Text  string // a sentence
	About About
	Name  string
}

// What is worth saying.
const (
	LongWait  = time.Minute // of the next job in line
	longerYet = 10 * time.Minute
	Late      = 10 * time.Second // a tick that has not fired
)

// Notices finds what needs a look, the worst in front.
func (r *Reading) Notices() (all []Notice) {
	say := func(level Level, about About, name, format string, args ...any) {
		all = append(all, Notice{level, fmt.Sprintf(format, args...), about, name})
	}
	waiting, dead, deadQueues := 0, 0, 0
	for i := range r.Queues {
		queue := &r.Queues[i]
		waiting += queue.Available
		if dead += queue.Discarded; queue.Discarded > 0 {
			deadQueues++
		}
		all = append(all, r.NoticesOf(queue)...)
	}
	if len(r.Workers) == 0 && waiting > 0 {
		say(Bad, AboutWorkers, "", "No worker runs, and %s.", waits(waiting))
	}
	for i := range r.Workers {
		if w := &r.Workers[i]; w.Stuck > 0 {
			say(Warn, AboutWorkers, "", "On %s, %s although their time is over.", w.Host, map[bool]string{true: "1 handler goes on", false: figures.Count(w.Stuck) + " handlers go on"}[w.Stuck == 1])
		}
	}
	if r.Leader == nil && len(r.Upcoming) > 0 {
		say(Bad, AboutSchedules, "", "No scheduler leads, so schedules do not fire.")
	}
	for _, s := range r.Upcoming {
		if d := r.Now.Sub(s.Next); d > Late {
			say(Warn, AboutSchedule, s.ID, "Schedule %s is %s late.", s.ID, figures.Rough(d))
		}
	}
	if dead > 0 {
		say(Note, AboutDiscarded, "", "%s kept in %s.", figures.Plural(dead, "discarded job"), figures.Plural(deadQueues, "queue"))
	}
	rank := map[Level]int{Bad: 0, Warn: 1, Note: 2}
	slices.SortStableFunc(all, func(a, b Notice) int { return cmp.Compare(rank[a.Level], rank[b.Level]) })
	return all
}

// IsWorkedOn reports whether a worker works on a queue, as far as the workers tell.
func (r *Reading) IsWorkedOn(queue string) bool {
	return slices.ContainsFunc(r.Workers, func(w admin.Worker) bool { return w.WorksOn(queue) })
}

// NoticesOf finds what needs a look of one queue.
func (r *Reading) NoticesOf(queue *admin.Queue) (all []Notice) {
	say := func(level Level, format string, args ...any) {
		all = append(all, Notice{level, fmt.Sprintf(format, args...), AboutQueue, queue.Name})
	}
	latency := queue.Latency()
	switch {
	case queue.Problem != "":
		say(Bad, "Queue %s cannot be counted: %s", queue.Name, queue.Problem)
	case queue.Paused:
		say(Warn, "Queue %s is paused, and %s.", queue.Name, waits(queue.Available))
	case queue.Available > 0 && len(r.Workers) > 0 && !r.IsWorkedOn(queue.Name):
		say(Bad, "No worker works on queue %s, and %s.", queue.Name, waits(queue.Available))
	case latency > longerYet:
		say(Bad, "The next job of queue %s has waited %s.", queue.Name, figures.Rough(latency))
	case latency > LongWait:
		say(Warn, "The next job of queue %s has waited %s.", queue.Name, figures.Rough(latency))
	}
	if queue.Parked > 0 {
		say(Warn, "In queue %s, %s for a worker that serves their kind.", queue.Name, waits(queue.Parked))
	}
	if queue.Suspects > 0 {
		say(Warn, "In queue %s, %s: their workers died twice.", queue.Name, map[bool]string{true: "1 job is suspect", false: figures.Count(queue.Suspects) + " jobs are suspect"}[queue.Suspects == 1])
	}
	return all
}

func waits(n int) string {
	if n == 1 {
		return "1 job waits"
	}
	return figures.Count(n) + " jobs wait"
}

// NoticesOfServer says what is wrong with a server, or could be.
func NoticesOfServer(s *admin.Server) (all []Notice) {
	say := func(level Level, format string, args ...any) {
		all = append(all, Notice{level, fmt.Sprintf(format, args...), AboutRedis, ""})
	}
	if s.Loading {
		say(Bad, "It reads its data from disk, and answers nothing until it has.")
	}
	if s.AppendOnlyFailed {
		say(Bad, "Its last write to the append-only file failed: what it acknowledges may be lost when it ends.")
	}
	if s.SnapshotFailed {
		say(Bad, "Its last snapshot failed.")
	}
	if s.ReplicaLinkIsDown {
		say(Bad, "It is a replica and has lost its primary.")
	}
	if s.MaxMemory > 0 && s.Memory*10 > s.MaxMemory*9 {
		say(Bad, "Its memory is nearly full: soon nothing can be enqueued.")
	} else if s.MaxMemory > 0 && s.Memory*10 > s.MaxMemory*7 {
		say(Warn, "More than 70 %% of its memory is in use.")
	}
	if s.Policy != "" && s.Policy != "noeviction" {
		say(Bad, "With maxmemory-policy %s it throws jobs away when memory is short; want noeviction.", s.Policy)
	}
	if s.Evicted > 0 {
		say(Bad, "It has thrown away %s keys since it started.", figures.Count(s.Evicted))
	}
	if s.Rejected > 0 {
		say(Warn, "It has refused %s connections since it started: maxclients is %s.", figures.Count(s.Rejected), figures.Count(s.MaxClients))
	}
	if s.Uptime > 0 && !s.AppendOnly && s.Version != "" {
		say(Note, "It keeps no append-only file: what was enqueued since the last snapshot is lost when it ends.")
	}
	if s.MaxMemory == 0 && s.Memory > 0 {
		say(Note, "It has no maxmemory: it may take all of the machine's.")
	}
	return all
}
