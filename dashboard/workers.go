package dashboard

import (
	"maps"
	"slices"
	"time"

	"github.com/drayhorse/drayhorse/admin"
	"github.com/drayhorse/drayhorse/internal/board"
	"github.com/drayhorse/drayhorse/internal/figures"
)

const workersShown = 50 // on one page

// workerRow is a worker in a list.
type workerRow struct {
	*admin.Worker

	Up, Seen figures.Moment
	Use      int // percent of its slots
	Names    []weighted
	Runs     []runningRow
	Unnamed  int // running jobs that it does not name
}

// weighted is a queue of a worker.
type weighted struct {
	Name   string
	Weight int
}

// runningRow is a job that a worker runs.
type runningRow struct {
	admin.RunningJob

	Link string
	Age  string
	Long bool
}

const longRun = 10 * time.Minute

func rowOfWorker(w *admin.Worker, now time.Time) workerRow {
	row := workerRow{Worker: w, Up: figures.When(w.StartedAt, now), Seen: figures.When(w.SeenAt, now), Use: figures.Percent(w.Running, w.Concurrency)}
	for _, name := range slices.Sorted(maps.Keys(w.Queues)) {
		row.Names = append(row.Names, weighted{name, w.Queues[name]})
	}
	slices.SortStableFunc(row.Names, func(a, b weighted) int { return b.Weight - a.Weight })
	for _, j := range w.Jobs {
		age := now.Sub(j.Since)
		row.Runs = append(row.Runs, runningRow{j, link("job", "queue", j.Queue, "id", j.ID), figures.Rough(age), age > longRun})
	}
	row.Unnamed = max(0, w.Running-len(w.Jobs))
	return row
}

type workersPage struct {
	Fleet      board.Fleet
	Workers    []workerRow
	From, To   int // of the list, from 1
	Prev, Next int // pages; 0: none
}

func listWorkers(q *request) error {
	r, err := q.board()
	if err != nil {
		return err
	}
	page, err := q.number("page", 1, 1_000_000)
	if err != nil {
		return err
	}
	p := &workersPage{Fleet: board.FleetOf(r.Workers)}
	from := min((page-1)*workersShown, len(r.Workers))
	to := min(from+workersShown, len(r.Workers))
	for i := from; i < to; i++ {
		p.Workers = append(p.Workers, rowOfWorker(&r.Workers[i], r.Now))
	}
	p.From, p.To = from+1, to
	if page > 1 {
		p.Prev = page - 1
	}
	if to < len(r.Workers) {
		p.Next = page + 1
	}
	return q.show("workers", "Workers", p)
}
