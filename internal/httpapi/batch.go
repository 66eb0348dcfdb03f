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
)

// What is stored together: what fits one call of a producer, so that a batch is
// answered soon after its lines come, and takes the same memory however many come.
const (
	chunkLines = 1000
	chunkBytes = 1 << 20
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
}

func (r *result) refuse(p *Problem) { r.Status, r.Problem = p.Status, p }

func (r *result) accept(info *drayhorse.Info) {
	r.Status, r.ID, r.Queue = http.StatusCreated, info.ID, info.Queue
	if info.Duplicate {
		r.Status = http.StatusOK
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
	size    int // of the lines, in bytes
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
	if !s.batches.take() {
		return busy.later(time.Second, "", "%d batches are being served, which is the limit", s.cfg.Limits.MaxBatches)
	}
	defer s.batches.release()
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
	who, err := b.server.authenticate(b.r)
	if err != nil { // a batch may outlive its token
		b.refused = problemOf(err)
	} else {
		b.caller = who
	}
	for {
		if b.refused == nil && !b.limiter.Allow() {
			if len(b.results) > 0 {
				return nil // answer these while time goes by
			}
			if err := b.limiter.Wait(b.server.stopping); err != nil {
				return errStopping
			}
		}
		if err := b.line(); err != nil {
			return err
		}
		if len(b.results) >= chunkLines || b.size >= chunkBytes || !b.lines.Ready() {
			return nil
		}
	}
}

// line reads one line.
func (b *batch) line() error {
	b.body.begin()
	l, err := b.lines.Next()
	if err != nil || l.Blank() {
		return err
	}
	job, err := b.judge(l)
	if err != nil {
		b.add(l.Number, problemOf(err))
		return b.lines.Rest(l, func([]byte) error { return nil })
	}
	b.ready = append(b.ready, ready{job.Spec, job.Settings.Queue, len(b.results)})
	b.add(l.Number, nil)
	b.size += len(l.Text)
	return nil
}

func (b *batch) add(line int, p *Problem) {
	b.results = append(b.results, result{Line: line})
	if p != nil {
		b.results[len(b.results)-1].refuse(p)
	}
}

// judge makes a job of a line, or says why it cannot.
func (b *batch) judge(l *jobjson.Line) (*jobjson.Job, error) {
	if b.refused != nil {
		return nil, b.refused
	}
	if l.More {
		return nil, tooLarge.in("", "the line is longer than %d bytes", b.server.cfg.Limits.MaxBody)
	}
	job, err := jobjson.Parse(l.Text)
	if err != nil {
		return nil, err
	}
	if b.key != "" && !job.Settings.Given.Has(drayhorse.FieldID) {
		job.Spec.Options = append(job.Spec.Options, drayhorse.ID(b.key+":"+strconv.Itoa(l.Number)))
	}
	return job, b.mayEnqueue(job.Settings.Queue)
}

// store stores the jobs that were gathered. After an error some of them may be
// stored; no further line is tried, since each would wait for Redis as long.
func (b *batch) store() error {
	if len(b.ready) == 0 {
		return nil
	}
	ctx, cancel := wait(b.r)
	defer cancel()
	specs := make([]drayhorse.Spec, 0, len(b.ready))
	room := b.ready[:0]
	var unknown error // how long a queue is
	for _, job := range b.ready {
		if err := b.server.depths.take(ctx, job.queue); err != nil {
			b.results[job.at].refuse(problemOf(err))
			if _, full := errors.AsType[*Problem](err); !full {
				unknown = err
			}
			continue
		}
		room, specs = append(room, job), append(specs, job.spec)
	}
	infos, err := b.server.cfg.Jobs.EnqueueMany(ctx, specs)
	for i, job := range room {
		if infos == nil || infos[i] == nil {
			b.results[job.at].refuse(problemOf(err))
			continue
		}
		b.results[job.at].accept(infos[i])
		b.stored++
	}
	return errors.Join(err, unknown)
}

// reply answers the lines that were gathered, at once.
func (b *batch) reply(last bool) error {
	var text bytes.Buffer
	encoder := json.NewEncoder(&text)
	for i := range b.results {
		r := &b.results[i]
		b.server.metrics.lines.WithLabelValues(strconv.Itoa(r.Status)).Inc()
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
