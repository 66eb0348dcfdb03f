package report

import (
	"cmp"
	"slices"
	"strings"

	"github.com/drayhorse/drayhorse/bench/internal/measure"
)

// Product is the system that the others are compared with.
const Product = "drayhorse"

// limit is what is measured to know how far the design could go. It is not a system that
// anybody could use instead, and not in the plots.
const limit = "bare"

// titles are the names of systems as their users know them.
var titles = map[string]string{
	Product: "Drayhorse", limit: "bare scripts", "asynq": "asynq", "brpop": "plain list, BRPOP", "blmove": "plain list, BLMOVE",
	"river": "River", "nats": "NATS JetStream", "bullmq": "BullMQ",
}

// Title of a system.
func Title(system string) string { return cmp.Or(titles[system], system) }

// question is what a reader asks, and the figures that answer it.
type question struct {
	File, Condition string
	Ask, About      string
	figures         []asked
	less            bool // is better
}

// asked is one figure of an answer.
type asked struct {
	title string
	name  string
	parts []string // figures that it is the sum of, if any
}

const (
	perSecond = " (jobs per second)"
	onDrain   = "No-op jobs that are stored already; one worker starts and finishes them all."
	onEnqueue = "A program enqueues job after job: from one goroutine, from 32 goroutines that share a client, and with the call for many jobs at once."
)

var questions = []question{
	{
		"drain", Near, "How many jobs does a worker finish in a second?", onDrain,
		[]asked{
			{"10 handlers" + perSecond, measure.Drain(10), nil},
			{"100 handlers" + perSecond, measure.Drain(100), nil},
			{"500 handlers" + perSecond, measure.Drain(500), nil},
		},
		false,
	},
	{
		"enqueue", Near, "How fast are jobs enqueued?", onEnqueue,
		[]asked{
			{"1 goroutine, one job a call" + perSecond, measure.EnqueueOne, nil},
			{"32 goroutines, one job a call" + perSecond, measure.EnqueueMany, nil},
			{"in bulk" + perSecond, measure.EnqueueBulk, nil},
		},
		false,
	},
	{
		"latency", Near, "How long does a job wait for a worker that has nothing else to do?",
		"From the call that enqueues it to the first line of its handler.",
		[]asked{
			{"half of the jobs wait less than (ms)", measure.LatencyP50, nil},
			{"99 of 100 wait less than (ms)", measure.LatencyP99, nil},
		},
		true,
	},
	{
		"cpu", Near, "How much CPU does a job cost?",
		"To be enqueued from 32 goroutines and finished by 100 handlers. The first part of a bar is the program's, the second its store's.",
		[]asked{{"CPU for 100,000 jobs: program + store = both (seconds)", measure.CycleCPU, []string{measure.ClientCPU, measure.ServerCPU}}},
		true,
	},
	{
		"memory", Near, "How much memory does a job take while it waits?",
		"In the store, with its 100 bytes of arguments.",
		[]asked{{"memory of a job (bytes)", measure.Bytes, nil}},
		true,
	},
	{
		"drain-far", Far, "How many jobs does a worker finish when the store is 1 ms away?", onDrain,
		[]asked{
			{"10 handlers, 1 ms away" + perSecond, measure.Drain(10), nil},
			{"100 handlers, 1 ms away" + perSecond, measure.Drain(100), nil},
			{"500 handlers, 1 ms away" + perSecond, measure.Drain(500), nil},
		},
		false,
	},
	{
		"enqueue-far", Far, "How fast are jobs enqueued when the store is 1 ms away?", onEnqueue,
		[]asked{
			{"1 goroutine, 1 ms away" + perSecond, measure.EnqueueOne, nil},
			{"32 goroutines, 1 ms away" + perSecond, measure.EnqueueMany, nil},
			{"in bulk, 1 ms away" + perSecond, measure.EnqueueBulk, nil},
		},
		false,
	},
	{
		"durable", Durable, "What does it cost to keep the jobs on disk?",
		"Every store writes its changes to disk, and may lose about the last second of them.",
		[]asked{
			{"finished by 100 handlers" + perSecond, measure.Drain(100), nil},
			{"enqueued from 32 goroutines" + perSecond, measure.EnqueueMany, nil},
		},
		false,
	},
}

// better is how many times as good as another system's Drayhorse's figure is.
func better(own, other float64, less bool) float64 {
	if less {
		return other / own
	}
	return own / other
}

// panel shows one figure of all systems, the best first.
func (p *Peers) panel(q question, a asked) (panel, bool) {
	drawn := panel{title: a.title, cut: true}
	ours := Median(p.Values(q.Condition, a.name, Product))
	for _, system := range p.Ran() {
		values := p.Values(q.Condition, a.name, system)
		if len(values) == 0 || system == limit {
			continue
		}
		r := row{name: Title(system), parts: []float64{Median(values)}, own: system == Product, text: Figure(Median(values))}
		r.low, r.high = slices.Min(values), slices.Max(values)
		if len(a.parts) > 0 {
			r.split(p, q.Condition, a.parts, system)
		}
		if !r.own && ours > 0 {
			r.text += " (" + times(better(ours, Median(values), q.less)) + ")"
		}
		drawn.rows = append(drawn.rows, r)
	}
	slices.SortStableFunc(drawn.rows, func(a, b row) int {
		if q.less {
			a, b = b, a
		}
		return cmp.Compare(b.length(), a.length())
	})
	return drawn, len(drawn.rows) > 0
}

// split shows the parts of the row's value beside each other.
func (r *row) split(p *Peers, condition string, names []string, system string) {
	var said []string
	r.parts, r.low, r.high = nil, 0, 0
	for _, name := range names {
		part := Median(p.Values(condition, name, system))
		r.parts, said = append(r.parts, part), append(said, Figure(part))
	}
	r.text = strings.Join(said, " + ") + " = " + r.text
}

// note says how to read the plot.
func (q question) note(panels []panel) string {
	note := "(2×): Drayhorse does twice as many; under 1×, fewer."
	if q.less {
		note = "(2×): twice as much as Drayhorse; under 1×, less."
	}
	ranged, cut := false, false
	for _, p := range panels {
		_, longer := p.end()
		cut = cut || longer
		ranged = ranged || slices.ContainsFunc(p.rows, func(r row) bool { return r.high > r.low })
	}
	if ranged {
		note += " Thin line: from the lowest run to the highest."
	}
	if cut {
		note += " Gap: the bar is longer than drawn."
	}
	return note
}

// draw writes the plots of which there are figures and gives their questions.
func (p *Peers) draw(dir string) ([]question, error) {
	var drawn []question
	for _, q := range questions {
		var s sheet
		for _, a := range q.figures {
			if panel, ok := p.panel(q, a); ok {
				s.panels = append(s.panels, panel)
			}
		}
		if len(s.panels) == 0 {
			continue
		}
		s.note = q.note(s.panels)
		if err := s.save(dir, q.File); err != nil {
			return nil, err
		}
		drawn = append(drawn, q)
	}
	return drawn, nil
}
