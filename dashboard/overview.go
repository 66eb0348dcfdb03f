package dashboard

import (
	"cmp"
	"slices"

	"github.com/drayhorse/drayhorse"
	"github.com/drayhorse/drayhorse/admin"
	"github.com/drayhorse/drayhorse/internal/board"
	"github.com/drayhorse/drayhorse/internal/figures"
)

// overviewPage is the first page: how much there is, how fast it goes, what needs a look.
type overviewPage struct {
	Sum        board.Sums
	Throughput chart
	Rates      board.Rates
	History    *history
	Notices    []notice
	MoreNotes  int
	Queues     []queueRow
	QueueCount int
	Counted    int // of the queues
	Workers    board.Fleet
	Use        int // percent of the slots, by the jobs that run
	Fleet      []workerRow
	Leader     *admin.Leader
	LeaderFor  figures.Moment
	Upcoming   []scheduleRow
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
		Throughput: throughput(r.Rates[""]), Rates: r.Rates[""], QueueCount: len(r.Names), Counted: len(r.Queues),
		Workers: board.FleetOf(r.Workers), Leader: r.Leader, Sum: r.Sums(),
	}
	if p.History, err = q.history("./", ""); err != nil {
		return err
	}
	if r.Leader != nil {
		p.LeaderFor = figures.When(r.Leader.Since, r.Now)
	}
	for i := range r.Queues {
		p.Queues = append(p.Queues, rowOf(&r.Queues[i], r))
	}
	slices.SortStableFunc(p.Queues, func(a, b queueRow) int {
		return cmp.Or(cmp.Compare(b.Available+b.Running+b.Retryable, a.Available+a.Running+a.Retryable), cmp.Compare(a.Name, b.Name))
	})
	p.Queues = p.Queues[:min(len(p.Queues), overviewQueues)]
	p.Use = figures.Percent(p.Sum.Running, p.Workers.Slots)
	for i := range r.Workers[:min(len(r.Workers), overviewWorkers)] {
		p.Fleet = append(p.Fleet, rowOfWorker(&r.Workers[i], r.Now))
	}
	for _, s := range r.Upcoming {
		p.Upcoming = append(p.Upcoming, rowOfSchedule(s, r.Now))
	}
	p.Notices = noticesOf(r.Notices())
	if most := overviewNotices; len(p.Notices) > most {
		p.MoreNotes = len(p.Notices) - most
		p.Notices = p.Notices[:most]
	}
	return q.show("overview", "Overview", p)
}

// notice is something that needs a look.
type notice struct {
	Level board.Level
	Text  string
	Link  string
}

// noticesOf adds the pages that say more.
func noticesOf(found []board.Notice) (all []notice) {
	for _, n := range found {
		to := ""
		switch n.About {
		case board.AboutQueue:
			to = link("queue", "queue", n.Name)
		case board.AboutWorkers:
			to = "workers"
		case board.AboutSchedules:
			to = "schedules"
		case board.AboutSchedule:
			to = link("schedule", "id", n.Name)
		case board.AboutDiscarded:
			to = link("jobs", "state", string(drayhorse.Discarded))
		case board.AboutRedis: // the page that shows it
		}
		all = append(all, notice{n.Level, n.Text, to})
	}
	return all
}
