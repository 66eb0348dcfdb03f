package top

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/drayhorse/drayhorse"
	"github.com/drayhorse/drayhorse/admin"
	"github.com/drayhorse/drayhorse/internal/board"
	"github.com/drayhorse/drayhorse/internal/cli"
	"github.com/drayhorse/drayhorse/internal/figures"
)

// longRun is how long a job runs before its age stands out.
const longRun = 10 * time.Minute

// workersView is the workers, and what the chosen one runs.
type workersView struct{ list *list[admin.Worker] }

func newWorkers() *workersView {
	return &workersView{&list[admin.Worker]{key: func(w admin.Worker) string { return w.ID }}}
}

func (p *workersView) title() string { return "Workers" }

// fetch reads nothing: the board has the workers.
func (p *workersView) fetch() fetch {
	return func(_ context.Context, _ *admin.Admin, r *board.Reading) (any, error) { return r.Workers, nil }
}

func (p *workersView) take(got any, _ *model) { p.list.take(got.([]admin.Worker)) }

var workerStyles = map[admin.WorkerState]style{
	admin.WorkerWorking: in(cli.Green), admin.WorkerQuiet: in(cli.Yellow), admin.WorkerStopping: in(cli.Yellow),
}

func (p *workersView) draw(c *canvas, b box, m *model) {
	r, ok := p.list.chosen()
	running := 0
	if ok && b.height >= 10 {
		running = min(len(r.value.Jobs)+2, b.height/2)
	}
	columns := []column{
		{title: "HOST", width: 12, share: 2, most: 40}, {title: "PID", width: 7, right: true}, {title: "STATE", width: 8},
		{title: "SLOTS", width: 7, right: true}, {title: "IN USE", width: 10, share: 1, most: 24, rank: 2}, {title: "STUCK", width: 5, right: true, rank: 1},
		{title: "UP", width: 7, right: true}, {title: "SEEN", width: 8, right: true, rank: 3}, {title: "QUEUES", width: 12, share: 3, rank: 4},
	}
	drawList(c, box{b.y, b.height - running}, p.list, columns, "No worker runs.", func(w admin.Worker, t *table) []field {
		use := figures.Percent(w.Running, w.Concurrency)
		stuck := faint
		if w.Stuck > 0 {
			stuck = in(cli.Red)
		}
		full := strings.Repeat("█", t.widths[4]*use/100)
		return []field{
			{w.Host, strong}, {fmt.Sprint(w.PID), plain}, {string(w.State), workerStyles[w.State]},
			{fmt.Sprintf("%d/%d", w.Running, w.Concurrency), plain}, {full + strings.Repeat("░", max(t.widths[4]-t.widths[4]*use/100, 0)), heat(use)},
			{fmt.Sprint(w.Stuck), stuck}, {figures.Rough(m.now().Sub(w.StartedAt)), plain}, {m.ago(w.SeenAt), faint}, {queuesOf(&w), faint},
		}
	})
	if running == 0 {
		return
	}
	y := b.y + b.height - running
	c.put(1, y, c.width-2, fmt.Sprintf("── %s runs %s ", r.value.Host, figures.Plural(r.value.Running, "job"))+strings.Repeat("─", c.width), faint)
	drawList(c, box{y + 1, running - 1}, &list[admin.RunningJob]{rows: rowsOf(r.value.Jobs), at: -1}, runningColumns, "", runningFields(m))
}

func rowsOf(jobs []admin.RunningJob) (rows []row[admin.RunningJob]) {
	for _, j := range jobs {
		rows = append(rows, row[admin.RunningJob]{value: j})
	}
	return rows
}

var runningColumns = []column{
	{title: "FOR", width: 8, right: true}, {title: "JOB", width: 14, share: 2, most: 40, ids: true}, {title: "KIND", width: 10, share: 1, most: 40},
	{title: "QUEUE", width: 10, share: 1, most: 40, rank: 1}, {title: "TRY", width: 4, right: true, rank: 2},
}

func runningFields(m *model) func(admin.RunningJob, *table) []field {
	return func(j admin.RunningJob, _ *table) []field {
		age := m.now().Sub(j.Since)
		s := plain
		if age > longRun {
			s = in(cli.Yellow)
		}
		return []field{{figures.Rough(age), s}, {j.ID, strong}, {j.Kind, plain}, {j.Queue, plain}, {fmt.Sprint(j.Attempt), faint}}
	}
}

// queuesOf gives the queues of a worker, the heaviest first.
func queuesOf(w *admin.Worker) string {
	names := slices.Sorted(maps.Keys(w.Queues))
	slices.SortStableFunc(names, func(a, b string) int { return w.Queues[b] - w.Queues[a] })
	var all []string
	for _, name := range names {
		all = append(all, fmt.Sprintf("%s=%d", name, w.Queues[name]))
	}
	if more := w.QueueCount - len(names); more > 0 {
		all = append(all, fmt.Sprintf("and %d more", more))
	}
	return strings.Join(all, " ")
}

func (p *workersView) press(k key, m *model) bool {
	if p.list.steer(k, m.height-8) {
		return true
	}
	r, ok := p.list.chosen()
	if !ok || k != "enter" {
		return false
	}
	w := newWorker(r.value)
	w.take(r.value.Jobs, m)
	m.enter(w)
	return true
}

func (p *workersView) hints(*model) []hint {
	if _, ok := p.list.chosen(); ok {
		return []hint{{"enter", "its jobs"}}
	}
	return nil
}

// workerView is what one worker runs.
type workerView struct {
	worker admin.Worker
	gone   bool
	list   *list[admin.RunningJob]
}

func newWorker(w admin.Worker) *workerView {
	return &workerView{worker: w, list: &list[admin.RunningJob]{key: func(j admin.RunningJob) string { return j.Queue + "/" + j.ID }}}
}

func (p *workerView) title() string { return "worker " + p.worker.Host }

func (p *workerView) fetch() fetch {
	id := p.worker.ID
	return func(_ context.Context, _ *admin.Admin, r *board.Reading) (any, error) {
		for i := range r.Workers {
			if r.Workers[i].ID == id {
				return r.Workers[i], nil
			}
		}
		return admin.Worker{}, nil
	}
}

func (p *workerView) take(got any, _ *model) {
	if jobs, ok := got.([]admin.RunningJob); ok {
		p.list.take(jobs)
		return
	}
	w := got.(admin.Worker)
	if p.gone = w.ID == ""; p.gone {
		p.list.take(nil)
		return
	}
	p.worker = w
	p.list.take(w.Jobs)
}

func (p *workerView) draw(c *canvas, b box, m *model) {
	w := &p.worker
	y := b.y
	if p.gone {
		c.put(1, y, c.width-2, "It has stopped, or was not heard of for a while. This is what was last known.", style{colour: cli.Yellow, bold: true})
		y++
	}
	for _, line := range []string{
		fmt.Sprintf("%s on %s, process %d, version %s", w.ID, w.Host, w.PID, w.Version),
		fmt.Sprintf("%s; %d of %d slots in use; up %s; seen %s", w.State, w.Running, w.Concurrency, figures.Rough(m.now().Sub(w.StartedAt)), m.ago(w.SeenAt)),
		"queues " + queuesOf(w),
	} {
		c.put(1, y, c.width-2, line, plain)
		y++
	}
	if more := w.Running - len(w.Jobs); more > 0 {
		c.put(1, y, c.width-2, fmt.Sprintf("Those that run longest; it does not name %s.", figures.Plural(more, "other")), faint)
		y++
	}
	drawList(c, box{y + 1, b.y + b.height - y - 1}, p.list, runningColumns, "It runs no job.", runningFields(m))
}

func (p *workerView) press(k key, m *model) bool {
	if p.list.steer(k, m.height-12) {
		return true
	}
	r, ok := p.list.chosen()
	if !ok {
		return false
	}
	info := &drayhorse.Info{ID: r.value.ID, Queue: r.value.Queue, Kind: r.value.Kind, State: drayhorse.Running, Attempt: r.value.Attempt}
	if k == "enter" {
		m.enter(newJob(info))
		return true
	}
	return m.jobKey(k, info)
}

func (p *workerView) hints(m *model) []hint {
	if _, ok := p.list.chosen(); !ok {
		return nil
	}
	return append([]hint{{"enter", "look"}}, jobHints(drayhorse.Running, m)...)
}
