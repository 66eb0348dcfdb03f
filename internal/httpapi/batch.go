package httpapi

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strconv"
	"time"

	"github.com/drayhorse/drayhorse"
	"github.com/drayhorse/drayhorse/internal/jobjson"
	"github.com/drayhorse/drayhorse/producer"
)

// What is stored together: what fits one call of a producer, so that a batch is
// answered soon after its lines come, and takes the same memory however many come.
const (
	chunkLines = 1000
	chunkBytes = 256 << 10
)

// ndjson is the type of a batch and of its answer.
const ndjson = "application/x-ndjson"

// lineRoom is what :LINE takes behind an Idempotency-Key, at most.
const lineRoom = 20

// result is the answer to one line of a batch.
type result struct {
	Line    int      `json:"line"`   // from 1
	Status  int      `json:"status"` // what it would be for a job alone
	ID      string   `json:"id,omitempty"`
	Queue   string   `json:"queue,omitempty"`
	Problem *Problem `json:"problem,omitempty"`

	entry auditEntry
}

func (r *result) refuse(p *Problem) { r.Status, r.Problem = p.Status, p }

func (r *result) accept(info *drayhorse.Info) {
	r.Status, r.ID, r.Queue = http.StatusCreated, info.ID, info.Queue
	r.entry.outcome, r.entry.id = outcomeStored, info.ID
	if info.Duplicate {
		r.Status, r.entry.outcome = http.StatusOK, outcomeDuplicate
	}
}

// batch is a request of many jobs. It goes round in circles: read the lines that
// are there, store their jobs together, answer them.
type batch struct {
	*call

	server  *Server
	control *http.ResponseController
	body    *timedBody
	lines   *jobjson.Lines
	key     string   // becomes the IDs of jobs that have none, with the number of the line
	all     bool     // answer the lines that went in, too
	refused *Problem // why no further line is taken; nil: they are
	stored  int      // jobs
	begun   bool     // something was answered

	results []result
	ready   []ready
	size    int           // of the lines, in bytes
	pending *jobjson.Line // was read, and waits for the next round
	parsing bool          // a processor is taken
}

// ready is a job that can be stored.
type ready struct {
	spec  drayhorse.Spec
	queue string
	at    int // its place in results
}

// batch serves POST /v1/jobs/batch.
func (s *Server) batch(c *call) error {
	if err := wantType(c.r, ndjson, "application/ndjson", "application/jsonl"); err != nil {
		return err
	}
	key, err := idempotencyKey(c.r, lineRoom)
	if err != nil {
		return err
	}
	wanted := c.r.URL.Query().Get("results")
	if wanted != "" && wanted != "all" && wanted != "refused" {
		return invalid.in("results", "%q; want all or refused", clip(wanted))
	}
	if len(c.Enqueue) == 0 {
		return forbidden.in("queue", "token %q may not enqueue", c.Name)
	}
	if ok, own := c.account.batches.try(1); !ok {
		return c.noRoom(own, "batches", c.account.batches)
	}
	defer c.account.batches.give(1)
	control := http.NewResponseController(c.w)
	_ = control.EnableFullDuplex() // HTTP/2 is that anyway
	if c.r.ProtoMajor == 1 {
		c.w.Header().Set("Connection", "close") // a body that was not read to its end may have no request behind it
	}
	body := newTimedBody(s.stopping, c.r.Body, control, s.cfg.Limits.ClientTimeout)
	defer body.release()
	b := &batch{
		call: c, server: s, control: control, key: key, all: wanted != "refused",
		body: body, lines: jobjson.NewLines(body, s.cfg.Limits.MaxBody),
	}
	return b.run()
}

// run goes on until the client has sent all, or goes away. The error is why nothing
// at all was taken.
func (b *batch) run() error {
	for {
		readErr := b.gather()
		if err := b.store(); err != nil {
			if b.stored == 0 && !b.begun {
				return err
			}
			b.refused = b.server.problem(b.r, err)
			b.refused.Detail = "not tried, since a line before it could not be stored"
		}
		if readErr != nil && !errors.Is(readErr, io.EOF) {
			b.add(b.lines.Number()+1, problemOf(unread(readErr)))
		}
		if err := b.reply(readErr != nil); err != nil || readErr != nil {
			return nil //nolint:nilerr // the answer has begun, and says how far it goes
		}
	}
}

// gather reads lines while there are any, or waits for the next one. The error is
// why there will be no more.
func (b *batch) gather() error {
	b.results, b.ready, b.size = b.results[:0], b.ready[:0], 0
	b.letGo()
	defer b.stopParsing()
	who, err := b.server.authenticate(b.r)
	if err != nil { // a batch may outlive its token
		b.refused = problemOf(err)
	} else {
		b.caller = who
	}
	for {
		if b.pending == nil && b.refused == nil && !b.puts.Allow() {
			if len(b.results) > 0 {
				return nil // answer these while time goes by
			}
			if err := b.puts.Wait(b.server.stopping); err != nil {
				return errStopping
			}
		}
		if more, err := b.line(); err != nil || !more {
			return err
		}
		if len(b.results) >= chunkLines || b.size >= chunkBytes || !b.lines.Ready() {
			return nil
		}
	}
}

// line reads one line. It reports false if what was gathered before is to be stored
// first.
func (b *batch) line() (more bool, err error) {
	l := b.pending
	if b.pending = nil; l == nil {
		if l, err = b.lines.Next(); err != nil {
			return false, err
		}
		if l.Blank() { // gives no more time
			return true, nil
		}
		b.body.begin()
	}
	if len(l.Text) > chunkBytes && b.size > 0 {
		b.pending = l
		return false, nil
	}
	b.add(l.Number, nil)
	last := &b.results[len(b.results)-1]
	job, err := b.judge(l, &last.entry)
	if err != nil {
		last.refuse(problemOf(err))
		b.stopParsing()
		return true, b.lines.Rest(l, func([]byte) error { return nil })
	}
	b.ready = append(b.ready, ready{job.Spec, job.Settings.Queue, len(b.results) - 1})
	b.size += len(l.Text)
	return true, nil
}

func (b *batch) add(line int, p *Problem) {
	b.results = append(b.results, result{Line: line, entry: auditEntry{action: actEnqueue, line: line}})
	if p != nil {
		b.results[len(b.results)-1].refuse(p)
	}
}

// judge makes a job of a line, or says why it cannot.
func (b *batch) judge(l *jobjson.Line, entry *auditEntry) (*jobjson.Job, error) {
	if b.refused != nil {
		return nil, b.refused
	}
	if l.More {
		return nil, tooLarge.in("", "the line is longer than %d bytes", b.server.cfg.Limits.MaxBody)
	}
	if err := b.room(len(l.Text)); err != nil {
		return nil, err
	}
	job, err := jobjson.Parse(l.Text)
	if err != nil {
		return nil, err
	}
	if b.key != "" && !job.Settings.Given.Has(drayhorse.FieldID) {
		job.Settings.ID = b.key + ":" + strconv.Itoa(l.Number)
		job.Spec.Options = append(job.Spec.Options, drayhorse.ID(job.Settings.ID))
	}
	entry.queue, entry.kind, entry.id = job.Settings.Queue, job.Spec.Args.Kind(), job.Settings.ID
	return job, b.mayEnqueue(job)
}

// room sees to it that there are memory and a processor for another line. A few short
// lines are within what every request takes; from then on it is what a round may take.
func (b *batch) room(n int) error {
	if b.size+n <= smallBody {
		return nil
	}
	if err := b.hold(b.r.Context(), int64(max(n, chunkBytes)*bodyFactor)); err != nil {
		return err
	}
	if !b.parsing {
		if err := b.parser(b.r.Context()); err != nil {
			return err
		}
		b.parsing = true
	}
	return nil
}

func (b *batch) stopParsing() {
	if b.parsing {
		b.account.parsers.give(1)
		b.parsing = false
	}
}

// store stores the jobs that were gathered. After an error some of them may be
// stored; no further line is tried, since each would wait for Redis as long.
func (b *batch) store() error {
	if len(b.ready) == 0 {
		return nil
	}
	ctx, cancel := b.server.wait(b.r)
	defer cancel()
	queues := make([]string, len(b.ready))
	for i, job := range b.ready {
		queues[i] = job.queue
	}
	refused, err := b.server.queues.admit(ctx, b.call, queues...)
	if err != nil {
		for _, job := range b.ready {
			b.results[job.at].refuse(problemOf(err))
		}
		return err
	}
	specs := make([]drayhorse.Spec, 0, len(b.ready))
	room := b.ready[:0]
	for i, job := range b.ready {
		if refused[i] != nil {
			b.results[job.at].refuse(problemOf(refused[i]))
			continue
		}
		room, specs = append(room, job), append(specs, job.spec)
	}
	if len(specs) == 0 {
		return nil
	}
	infos, err := b.server.cfg.Jobs.EnqueueMany(ctx, specs)
	full := producer.Refused(err)
	for i, job := range room {
		if full[i] != nil {
			b.results[job.at].refuse(problemOf(full[i]))
			continue
		}
		if infos == nil || infos[i] == nil {
			b.results[job.at].refuse(problemOf(err))
			continue
		}
		b.results[job.at].accept(infos[i])
		b.stored++
	}
	if producer.OnlyRejected(infos, err) {
		return nil // each of them is a duplicate, or its queue is full
	}
	return err
}

// reply answers the lines that were gathered, at once.
func (b *batch) reply(last bool) error {
	var text bytes.Buffer
	encoder := json.NewEncoder(&text)
	for i := range b.results {
		r := &b.results[i]
		b.server.metrics.lines.WithLabelValues(strconv.Itoa(r.Status)).Inc()
		b.server.audit(b.r, b.Name, b.account, r.entry, r.Problem)
		if r.Problem != nil || b.all {
			if err := encoder.Encode(r); err != nil {
				return err
			}
		}
	}
	_ = b.control.SetWriteDeadline(time.Now().Add(b.server.cfg.Limits.ClientTimeout)) // all servers of net/http can
	if text.Len() == 0 && !last {
		return nil
	}
	b.begun = true
	b.w.Header().Set("Content-Type", ndjson)
	if _, err := b.w.Write(text.Bytes()); err != nil {
		return err
	}
	return b.control.Flush()
}
