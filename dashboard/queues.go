package dashboard

import (
	"errors"
	"net/http"
	"slices"
	"strings"

	"github.com/drayhorse/drayhorse"
	"github.com/drayhorse/drayhorse/admin"
	"github.com/drayhorse/drayhorse/internal/board"
	"github.com/drayhorse/drayhorse/internal/figures"
)

const queuesShown = 100 // on one page

// queueRow is a queue in a list.
type queueRow struct {
	*admin.Queue

	Waited string // by the next in line; "": none is in line
	Slow   bool
	Spark  chart
	In     string
	Out    string
}

func rowOf(queue *admin.Queue, r *board.Reading) queueRow {
	rates, known := r.Rates[queue.Name]
	row := queueRow{Queue: queue, In: "–", Out: "–"}
	if known {
		row.Spark, row.In, row.Out = spark(rates), figures.Rate(rates.NowIn), figures.Rate(rates.NowOut)
	} else {
		row.Spark.Empty = true
	}
	if !queue.Oldest.IsZero() {
		row.Waited, row.Slow = figures.Rough(queue.Latency()), queue.Latency() > board.LongWait
	}
	return row
}

type queuesPage struct {
	Queues     []queueRow
	Total      int
	Find       string
	After      string // the name that this page begins after
	NextAfter  string
	Throughput chart
}

func listQueues(q *request) error {
	r, err := q.board()
	if err != nil {
		return err
	}
	p := &queuesPage{Find: q.value("find"), After: q.value("after"), Total: len(r.Names)}
	names := r.Names
	if p.Find != "" {
		names = slices.DeleteFunc(slices.Clone(names), func(name string) bool { return !strings.Contains(name, p.Find) })
		p.Total = len(names)
	}
	begin, found := slices.BinarySearch(names, p.After)
	if p.After == "" {
		begin = 0
	} else if found {
		begin++
	}
	end := min(begin+queuesShown, len(names))
	if end < len(names) {
		p.NextAfter = names[end-1]
	}
	queues, err := q.countSome(r, names[begin:end])
	if err != nil {
		return err
	}
	for i := range queues {
		p.Queues = append(p.Queues, rowOf(&queues[i], r))
	}
	return q.show("queues", "Queues", p)
}

// countSome gives queues as they were read, or counts them.
func (q *request) countSome(r *board.Reading, names []string) ([]admin.Queue, error) {
	if len(names) == 0 {
		return nil, nil
	}
	if last := r.Names[min(len(r.Names), board.MaxQueues)-1]; names[len(names)-1] <= last {
		return slices.DeleteFunc(slices.Clone(r.Queues), func(queue admin.Queue) bool { return !slices.Contains(names, queue.Name) }), nil
	}
	return q.gate.countQueues(q.r.Context(), names...)
}

// stateCount is the jobs of a queue in one state.
type stateCount struct {
	State drayhorse.State
	Count int
	Share int // of all, in per mille
}

// statesOf gives the jobs of a queue by state.
func statesOf(queue *admin.Queue) []stateCount {
	counts := map[drayhorse.State]int{
		drayhorse.Scheduled: queue.Scheduled, drayhorse.Available: queue.Available, drayhorse.Running: queue.Running,
		drayhorse.Retryable: queue.Retryable, drayhorse.Completed: queue.Completed, drayhorse.Cancelled: queue.Cancelled,
		drayhorse.Discarded: queue.Discarded,
	}
	total := 0
	for _, n := range counts {
		total += n
	}
	var all []stateCount
	for _, s := range drayhorse.States() {
		c := stateCount{State: s, Count: counts[s]}
		if c.Count > 0 {
			c.Share = max(4, 1000*c.Count/total)
		}
		all = append(all, c)
	}
	return all
}

// total is one of the counts since a queue exists.
type total struct {
	Name  string
	Count int64
}

type queuePage struct {
	Queue      queueRow
	States     []stateCount
	Throughput chart
	Rates      board.Rates
	History    *history
	Totals     []total
	Workers    []workerRow
	NoWorker   bool
	Next, Dead []jobRow
	Notices    []notice
}

const previewed = 8 // jobs in line, and discarded ones

func showQueue(q *request) error {
	r, err := q.board()
	if err != nil {
		return err
	}
	queue, err := q.queue(r, q.value("queue"))
	if errors.Is(err, drayhorse.ErrNotFound) {
		return refuse(http.StatusNotFound, "There is no queue %q. The first job that is put in makes it.", q.value("queue"))
	}
	if err != nil {
		return err
	}
	p := &queuePage{Queue: rowOf(queue, r), States: statesOf(queue), Rates: r.Rates[queue.Name]}
	if rates, known := r.Rates[queue.Name]; known {
		p.Throughput = throughput(rates)
	} else {
		p.Throughput.Empty = true
	}
	if p.History, err = q.history("queue", queue.Name); err != nil {
		return err
	}
	for name, n := range queue.Totals {
		p.Totals = append(p.Totals, total{name, n})
	}
	slices.SortFunc(p.Totals, func(a, b total) int { return strings.Compare(a.Name, b.Name) })
	for i := range r.Workers {
		if w := &r.Workers[i]; w.Queues[queue.Name] > 0 {
			p.Workers = append(p.Workers, rowOfWorker(w, r.Now))
		}
	}
	p.NoWorker = !r.IsWorkedOn(queue.Name)
	p.Notices = noticesOf(r.NoticesOf(queue))
	if queue.Problem == "" {
		if p.Next, err = q.preview(r, queue.Name, drayhorse.Available); err != nil {
			return err
		}
		if p.Dead, err = q.preview(r, queue.Name, drayhorse.Discarded); err != nil {
			return err
		}
	}
	return q.show("queue", queue.Name, p)
}

// preview gives the first jobs of a state.
func (q *request) preview(r *board.Reading, queue string, state drayhorse.State) ([]jobRow, error) {
	page, err := q.gate.jobs(q.r.Context(), admin.Filter{Queue: queue, State: state, Limit: previewed})
	if err != nil {
		return nil, err
	}
	var rows []jobRow
	for _, info := range page.Jobs[:min(len(page.Jobs), previewed)] {
		rows = append(rows, rowOfJob(info, r.Now))
	}
	return rows, nil
}
