package dashboard

import (
	"encoding/json"
	"errors"
	"fmt"
	"mime"
	"net/http"
	"slices"
	"time"

	"github.com/drayhorse/drayhorse"
	"github.com/drayhorse/drayhorse/admin"
	"github.com/drayhorse/drayhorse/flow"
	"github.com/drayhorse/drayhorse/internal/board"
	"github.com/drayhorse/drayhorse/internal/figures"
)

// step is one moment of a job's life.
type step struct {
	Name  string
	State drayhorse.State
	At    figures.Moment
	After string // how long after the step before; "": unknown
	Text  string
	Due   bool // it lies ahead
	at    time.Time
}

// attempt is one that failed, or why the job ended.
type attempt struct {
	Number  int
	At      figures.Moment
	Message string
	Stack   string
	Cut     bool
}

type jobPage struct {
	jobRow

	Args, Result *document
	Steps        []step
	Attempts     []attempt   // the latest first
	Why          []reasonRow // it does not run
	Worker       *workerRow
	RunningFor   string
	Actions      []action
	Tick         figures.Moment

	Edits                    bool // the user may give it other arguments
	Hidden, Masked, Revealed bool // see shown
}

const (
	messageShown = 16 << 10 // bytes of an error
	stackShown   = 64 << 10
)

func showJob(q *request) error {
	if q.value("queue") == "" {
		return fmt.Errorf("%w: no queue is given; want the queue of the job", drayhorse.ErrInvalid)
	}
	info, err := q.gate.job(q.r.Context(), q.value("queue"), q.value("id"))
	if err != nil {
		return err
	}
	return q.showJob(info)
}

// showJob shows a job as it was given.
func (q *request) showJob(job *shown) error {
	info := job.Info
	r, err := q.board()
	if err != nil {
		return err
	}
	p := &jobPage{
		jobRow: rowOfJob(info, r.Now), Args: treeOf(info.Args), Result: treeOf(info.Result),
		Tick: figures.When(info.Tick, r.Now), Actions: q.mayOf(jobActions(info.State)), Edits: q.mayEditJob(info.State),
		Hidden: job.Hidden, Masked: job.Masked, Revealed: q.gate.revealed,
	}
	for _, e := range slices.Backward(info.Errors) {
		a := attempt{Number: e.Attempt, At: figures.When(e.At, r.Now), Message: cut(e.Message, messageShown), Stack: cut(e.Stack, stackShown)}
		a.Cut = len(a.Message) < len(e.Message) || len(a.Stack) < len(e.Stack)
		p.Attempts = append(p.Attempts, a)
	}
	since := p.findWorker(r)
	p.Steps = stepsOf(info, since, r.Now)
	if p.Why, err = q.why(info); err != nil {
		return err
	}
	return q.show("job", info.ID, p)
}

// findWorker finds the worker that runs the job, if it names it, and gives since when.
func (p *jobPage) findWorker(r *board.Reading) (since time.Time) {
	if p.State != drayhorse.Running {
		return since
	}
	for i := range r.Workers {
		for _, running := range r.Workers[i].Jobs {
			if running.ID == p.ID && running.Queue == p.Queue {
				row := rowOfWorker(&r.Workers[i], r.Now)
				p.Worker, p.RunningFor = &row, figures.Rough(r.Now.Sub(running.Since))
				return running.Since
			}
		}
	}
	return since
}

// reasonRow is a reason why a job does not run.
type reasonRow struct {
	admin.Reason

	SinceAt, UntilAt figures.Moment
}

// why says why a job does not run that waits.
func (q *request) why(info *drayhorse.Info) (why []reasonRow, err error) {
	if info.State == drayhorse.Running || info.State.Ended() {
		return nil, nil
	}
	x, err := q.gate.explain(q.r.Context(), info)
	if errors.Is(err, drayhorse.ErrNotFound) { // gone since
		return nil, nil
	} else if err != nil {
		return nil, err
	}
	for _, r := range x.Why {
		if r.Gate != admin.GateRunning && r.Gate != admin.GateEnded {
			why = append(why, reasonRow{r, figures.When(r.Since, x.Now), figures.When(r.Until, x.Now)})
		}
	}
	return why, nil
}

// stepsOf tells a job's life, as far as it is known.
func stepsOf(info *drayhorse.Info, since, now time.Time) []step {
	var steps []step
	add := func(name string, state drayhorse.State, at time.Time, text string) {
		if !at.IsZero() {
			steps = append(steps, step{Name: name, State: state, At: figures.When(at, now), at: at, Text: text, Due: at.After(now)})
		}
	}
	add("Enqueued", drayhorse.Available, info.EnqueuedAt, "")
	for i, e := range info.Errors {
		last := i == len(info.Errors)-1
		if last && info.State.Ended() {
			break // the end has the reason
		}
		add(fmt.Sprintf("Attempt %d failed", e.Attempt), drayhorse.Retryable, e.At, firstLine(e.Message))
	}
	reason := ""
	if n := len(info.Errors); n > 0 {
		reason = firstLine(info.Errors[n-1].Message)
	}
	switch info.State {
	case drayhorse.Running:
		add(fmt.Sprintf("Attempt %d runs", info.Attempt), drayhorse.Running, since, "")
	case drayhorse.Scheduled:
		add("Due", drayhorse.Scheduled, info.DueAt, "")
	case drayhorse.Retryable:
		add(fmt.Sprintf("Attempt %d is due", info.Attempt), drayhorse.Retryable, info.DueAt, "")
	case drayhorse.Completed:
		add("Completed", drayhorse.Completed, info.FinishedAt, "")
	case drayhorse.Cancelled:
		add("Cancelled", drayhorse.Cancelled, info.FinishedAt, reason)
	case drayhorse.Discarded:
		add("Discarded", drayhorse.Discarded, info.FinishedAt, reason)
	}
	for i := 1; i < len(steps); i++ {
		if d := steps[i].at.Sub(steps[i-1].at); d >= 0 {
			steps[i].After = figures.Rough(d)
		}
	}
	return steps
}

func firstLine(text string) string {
	for i, r := range text {
		if r == '\n' {
			text = text[:i]
			break
		}
	}
	return cut(text, errorShown)
}

// downloadJob gives all that is known of a job as a file, but for fields that are masked.
func downloadJob(q *request) error {
	if q.value("queue") == "" {
		return fmt.Errorf("%w: no queue is given; want the queue of the job", drayhorse.ErrInvalid)
	}
	info, err := q.gate.job(q.r.Context(), q.value("queue"), q.value("id"))
	if err != nil {
		return err
	}
	return q.giveFile(info)
}

// giveFile gives a job as it was given as a file.
func (q *request) giveFile(job *shown) error {
	info := job.Info
	text, err := json.MarshalIndent(info, "", "  ")
	if err != nil {
		return err
	}
	q.w.Header().Set("Content-Type", "application/json")
	q.w.Header().Set("Content-Disposition", mime.FormatMediaType("attachment", map[string]string{"filename": "job-" + info.ID + ".json"}))
	_, err = q.w.Write(append(text, '\n'))
	return err
}

// find leads to the job of an ID, to the queue or to the schedule of that name.
func find(q *request) error {
	id := q.value("id")
	info, err := q.gate.job(q.r.Context(), "", id)
	if err == nil {
		return q.redirect(link("job", "queue", info.Queue, "id", info.ID))
	}
	if !errors.Is(err, drayhorse.ErrNotFound) {
		return err
	}
	if q.user.SeesQueue(id) {
		if queue, err := q.gate.admin.Queue(q.r.Context(), id); err == nil {
			return q.redirect(link("queue", "queue", queue.Name))
		}
	}
	var s *admin.Schedule
	if s, err = q.gate.scheduleOf(q.r.Context(), id); err == nil {
		return q.redirect(link("schedule", "id", s.ID))
	}
	if q.seesAll() && flow.ValidateID(id) == nil {
		if f, err := q.gate.flow(q.r.Context(), id); err == nil {
			return q.redirect(link("flow", "id", f.ID))
		}
	}
	return refuse(http.StatusNotFound, "There is no job, no queue, no schedule and no flow %q. Jobs that have ended are kept for as long as they were told to be.", clip(id))
}
