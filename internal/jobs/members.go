package jobs

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/drayhorse/drayhorse/internal/redis"
)

// Link gives the link of a batch, which its members carry: its ID and when it was made, by which
// it is known from another one of that ID.
func Link(id string, made time.Time) string {
	return PackID(id) + "/" + strconv.FormatInt(made.UnixMilli(), 36)
}

// ParseLink gives what a link is made of; "" if it is none.
func ParseLink(link string) (id string, made time.Time) {
	at := strings.LastIndexByte(link, '/')
	if at < 0 {
		return "", time.Time{}
	}
	ms, err := strconv.ParseInt(link[at+1:], 36, 64)
	if err != nil {
		return "", time.Time{}
	}
	return UnpackID(link[:at]), time.UnixMilli(ms)
}

// StepLink gives the link of a run of a flow's step, by the number of the step and how often it
// began before.
func StepLink(id string, made time.Time, step, run int) string {
	return Link(id, made) + "." + strconv.FormatInt(int64(step), 36) + "." + strconv.FormatInt(int64(run), 36)
}

// ParseStepLink gives what the link of a step is made of; ok is false if it is none.
func ParseStepLink(link string) (id string, made time.Time, step, run int, ok bool) {
	parts := strings.Split(link[strings.LastIndexByte(link, '/')+1:], ".")
	if len(parts) != 3 {
		return "", time.Time{}, 0, 0, false
	}
	id, made = ParseLink(strings.TrimSuffix(link, "."+parts[1]+"."+parts[2]))
	n, err1 := strconv.ParseInt(parts[1], 36, 32)
	g, err2 := strconv.ParseInt(parts[2], 36, 32)
	return id, made, int(n), int(g), id != "" && err1 == nil && err2 == nil
}

// StepID gives the stored ID of the job that a run of a step has in the partition, always the same:
// a UUID of version 7 that was made when the flow was.
func (p *Partition) StepID(id string, made time.Time, step, run int) string {
	link := StepLink(id, made, step, run)
	for k := 0; ; k++ {
		u := sha256.Sum256([]byte(link + "/" + strconv.Itoa(k)))
		put48(u[:6], made.UnixMilli())
		u[6], u[8] = 0x70|u[6]&0x0f, 0x80|u[8]&0x3f
		if stored := string(u[:16]); partitionOf(stored, int(p.of.Load())) == p.Index {
			return stored
		}
	}
}

// Row is what a partition knows of one batch, or of one run of a step of a flow.
type Row struct {
	Link                                    string
	N                                       int64 // rises with every change
	Sealed                                  bool  // no more members come from outside
	Stored, Completed, Discarded, Cancelled int

	Result string // of a step that has completed, until it was told; empty: none
}

// decodeRow reads a row as members.lua writes it.
func decodeRow(link, text string) (Row, error) {
	var n [7]int64
	parts := strings.Split(text, "|")
	if len(parts) != len(n) {
		return Row{}, fmt.Errorf("unexpected row %q", text)
	}
	for i, part := range parts {
		var err error
		if n[i], err = strconv.ParseInt(part, 10, 64); err != nil {
			return Row{}, fmt.Errorf("unexpected row %q", text)
		}
	}
	return Row{Link: link, N: n[0], Sealed: n[2] == 1, Stored: int(n[3]), Completed: int(n[4]), Discarded: int(n[5]), Cancelled: int(n[6])}, nil
}

// MaxNews is how many rows one call reads, and maxNewsBytes how many bytes of results, but for the
// first.
const (
	MaxNews      = 100
	maxNewsBytes = 1 << 20
)

// News reads rows of batches that have something to tell, from a number on, 0 for the first. It
// gives the number to go on from, 0 if these are all. It takes nothing out: Told does.
func (p *Partition) News(ctx context.Context, from int64) (rows []Row, next int64, err error) {
	value, err := p.run(ctx, newsScript, from, MaxNews, maxNewsBytes)
	if err != nil {
		return nil, 0, err
	}
	reply := asList(value)
	if len(reply)%3 != 1 {
		return nil, 0, fmt.Errorf("news: unexpected reply %v", value)
	}
	for i := 1; i < len(reply); i += 3 {
		row, err := decodeRow(asString(reply[i]), asString(reply[i+1]))
		if err != nil {
			return nil, 0, fmt.Errorf("news: %w", err)
		}
		row.Result = asString(reply[i+2])
		rows = append(rows, row)
	}
	return rows, asInt(reply[0]), nil
}

// Told notes that rows were told, each unless it has changed since. forget drops them: their
// batches are gone. It may be called again.
func (p *Partition) Told(ctx context.Context, forget bool, rows ...Row) error {
	if len(rows) == 0 {
		return nil
	}
	args := []any{digit(forget)}
	for _, r := range rows {
		args = append(args, r.Link, r.N)
	}
	_, err := p.run(ctx, toldScript, args...)
	return err
}

func digit(on bool) int {
	if on {
		return 1
	}
	return 0
}

// Forget drops what is known of batches, or of runs of steps. It may be called again.
func (p *Partition) Forget(ctx context.Context, links ...string) error {
	args := []any{1}
	for _, link := range links {
		args = append(args, link, "")
	}
	_, err := p.run(ctx, toldScript, args...)
	return err
}

// Retell has the row of a step, if there is one, told again, and gives it.
func (p *Partition) Retell(ctx context.Context, link string) (Row, error) {
	row, _, err := p.members(ctx, "tell", link, "0")
	return row, err
}

// Members gives the row of a batch; all zero where nothing is known of it.
func (p *Partition) Members(ctx context.Context, link string) (Row, error) {
	row, _, err := p.members(ctx, "look", link, "0")
	return row, err
}

// Seal has no more members of a batch come from outside, and gives its row then. It may be
// called again.
func (p *Partition) Seal(ctx context.Context, link string) (Row, error) {
	row, _, err := p.members(ctx, "seal", link, "0")
	return row, err
}

// cancelStep is how many jobs one step of a cancel looks at.
const cancelStep = 200

// CancelMembers seals a batch and cancels its members that are here, in bounded steps over all
// live jobs: those that wait end, those that run are marked. It may be called again.
func (p *Partition) CancelMembers(ctx context.Context, link string) (row Row, err error) {
	for cursor := "0"; ; {
		if row, cursor, err = p.members(ctx, "cancel", link, cursor); err != nil || cursor == "0" {
			return row, err
		}
	}
}

func (p *Partition) members(ctx context.Context, how, link, cursor string) (Row, string, error) {
	value, err := p.run(ctx, membersScript, how, link, cursor, cancelStep)
	if err != nil {
		return Row{}, "", err
	}
	reply := asList(value)
	if len(reply) != 2 {
		return Row{}, "", fmt.Errorf("members: unexpected reply %v", value)
	}
	row, err := decodeRow(link, asString(reply[1]))
	return row, asString(reply[0]), err
}

// packed is a job that is on its way in an op. That of a step has no ID: StepID gives it.
type packed struct {
	ID       []byte `json:"id"` // as stored
	Envelope []byte `json:"envelope"`
	Plan     string `json:"plan,omitempty"`
}

// PackJobs lays jobs out that a flow is to put into the partition, for Put.
func (p *Partition) PackJobs(jobs ...*NewJob) ([]byte, error) {
	all := make([]packed, len(jobs))
	for i, j := range jobs {
		if err := j.encode(p); err != nil {
			return nil, err
		}
		all[i] = packed{ID: []byte(j.ID), Envelope: j.encoded, Plan: j.plan()}
	}
	return json.Marshal(all)
}

// Op is the number of what a flow does to a partition, once: Sender is who numbers it, and Low
// the lowest of its ops there that is not known to be done. Jobs are as PackJobs has laid them
// out; the one of a step gets its ID and its link here.
type Op struct {
	Sender   string
	N, Low   int64
	Jobs     []byte
	ID, Link string // of a step; empty: of none
}

// How much one call of enqueue puts in for several ops.
const (
	maxPut      = 100
	maxPutBytes = 1 << 20
)

// Put stores jobs, for each op once: whoever makes the call however often, however late. They are
// enqueued now, in one round trip; jobs of steps that come one after the other together. Each op has its own
// error; where those that go together fail, each has that.
func (p *Partition) Put(ctx context.Context, ops ...Op) []error {
	errs := make([]error, len(ops))
	var calls []redis.Call
	at := make([]int, len(ops)) // which of them is an op's
	for i := 0; i < len(ops); {
		n := together(ops[i:])
		call, err := p.putCall(ops[i : i+n]...)
		if err != nil && n > 1 { // one of them is to blame
			n = 1
			call, err = p.putCall(ops[i])
		}
		if err != nil {
			errs[i] = fmt.Errorf("put: %w", err)
		} else {
			calls = append(calls, call)
		}
		for range n {
			at[i] = len(calls) - 1
			i++
		}
	}
	if len(calls) == 0 {
		return errs
	}
	replies := p.engine.client.RunAll(ctx, calls)
	for i := range ops {
		if errs[i] == nil {
			errs[i] = failure("put", replies[at[i]].Err)
		}
	}
	return errs
}

// together gives how many of the first ops go into one call: each puts in the job of a step, for the same sender.
func together(ops []Op) (n int) {
	for size := 0; n < min(len(ops), maxPut) && ops[n].Link != "" && ops[n].Sender == ops[0].Sender; n++ {
		if size += len(ops[n].Jobs); n > 0 && size > maxPutBytes {
			break
		}
	}
	return max(n, 1)
}

// putCall lays out the call of one op, or of several, each of one job.
func (p *Partition) putCall(ops ...Op) (redis.Call, error) {
	keys := append([]string(nil), p.sets[enqueueScript.index]...)
	keys[len(keys)-1] += ":" + ops[0].Sender
	var numbers []byte
	low, sort := ops[0].Low, 0
	args := []any{nil, answerTTL.Milliseconds(), nil}
	for i, op := range ops {
		if i > 0 {
			numbers = append(numbers, ';')
		}
		numbers, low = strconv.AppendInt(numbers, op.N, 10), min(low, op.Low)
		var all []packed
		if err := json.Unmarshal(op.Jobs, &all); err != nil {
			return redis.Call{}, err
		}
		if len(ops) > 1 && len(all) != 1 {
			return redis.Call{}, fmt.Errorf("an op of a step with %d jobs", len(all))
		}
		for _, j := range all {
			job, err := p.unpack(j, op)
			if err != nil {
				return redis.Call{}, err
			}
			sort |= job.sort()
			args = append(args, job.ID, string(job.encoded), j.Plan)
		}
	}
	args[0], args[2] = fmt.Sprintf("%s,%d", numbers, low), sort
	return redis.Call{Script: enqueueScript.Script, Keys: keys, Args: args}, nil
}

// unpack gives a job that is put in now.
func (p *Partition) unpack(j packed, op Op) (*NewJob, error) {
	envelope, err := DecodeEnvelope(string(j.Envelope))
	if err != nil {
		return nil, err
	}
	if op.Link != "" {
		j.ID, envelope.Link = []byte(op.ID), op.Link
	}
	now := p.Now()
	if !envelope.DueAt.IsZero() && strings.Contains(j.Plan, "|+") { // a delay, which begins now
		envelope.DueAt = now.Add(envelope.DueAt.Sub(envelope.EnqueuedAt))
	}
	envelope.EnqueuedAt = now
	job := &NewJob{ID: string(j.ID), Envelope: envelope}
	job.encoded = envelope.Encode()
	return job, nil
}

// Linked reports whether the job is a member of a batch, or a step of a flow.
func (c *Claim) Linked() bool { return len(c.Envelope) > 1 && c.Envelope[1]&flagLinked != 0 }

// Link gives the batch of which the job is a member, or the step of a flow that it is; empty: neither.
func (c *Claim) Link() string {
	var e Envelope
	if !c.Linked() || e.Decode(c.Envelope) != nil {
		return ""
	}
	return e.Link
}

// IsStep reports whether the job is a step of a flow.
func (c *Claim) IsStep() bool {
	_, _, _, _, ok := ParseStepLink(c.Link())
	return ok
}
