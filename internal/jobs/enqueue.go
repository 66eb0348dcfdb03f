package jobs

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/drayhorse/drayhorse"
	"github.com/drayhorse/drayhorse/internal/redis"
)

// Limits of one call, which keep it short: Redis does nothing else meanwhile.
const (
	maxBatchJobs  = 1000
	maxBatchBytes = 1 << 20
)

// largeEnvelope is the size in bytes from which on a queue's claims look at sizes.
const largeEnvelope = 4 << 10

// answerTTL is how long the answer to a writer's last call is kept: far longer than
// anybody repeats it.
const answerTTL = 10 * time.Minute

// replicationTime is how long replicas have to confirm a call.
const replicationTime = time.Second

// NewJob is a job to be enqueued.
type NewJob struct {
	ID       string // as stored, see PackID; empty: the writer makes one
	Envelope *Envelope
	In       time.Duration // due that long from now, by Redis's clock
	At       time.Time     // due then; zero: at once
	// Guarded makes the enqueue of a tick count once for ever: nothing at or
	// before the highest tick of the envelope's Schedule is enqueued again.
	Guarded bool
	// Durable is how many replicas are to confirm the job.
	Durable int
	// Replace makes a job with an ID of the caller's own take the place of one that has
	// ended, of which nothing is kept. Without it that ID is taken for 24 h.
	Replace bool
	// Unique is by what the job is unique in its queue; nil: it is not. See SetUnique.
	Unique *drayhorse.UniqueBy
	// Past is what the job went through elsewhere before it came here; nil: nothing.
	Past *Past

	encoded []byte
}

// Past is the life of a job in another system.
type Past struct {
	Failed int // attempts that failed there
	// Discarded: the job has ended. It is stored as discarded, and no worker sees
	// it.
	Discarded bool
	LastError *drayhorse.AttemptError // nil: none is known
}

// bytes is roughly what the job takes in a call.
func (j *NewJob) bytes() int { return len(j.encoded) + len(j.ID) + 16 }

// encode lays the job out, and gives it an ID that belongs in p if it has none.
func (j *NewJob) encode(p *Partition) (err error) {
	if j.ID == "" {
		j.ID, err = NewID(p)
	}
	j.encoded = j.Envelope.Encode()
	return err
}

// encoded is a job as an argument of a call: its envelope.
type encoded NewJob

// MarshalBinary is how go-redis asks.
func (j *encoded) MarshalBinary() ([]byte, error) { return j.encoded, nil }

// What a call says of its jobs together.
const (
	someLarge  = 1
	someLinked = 2
)

// sort is what the job is of that.
func (j *NewJob) sort() (sort int) {
	if len(j.encoded) > largeEnvelope {
		sort = someLarge
	}
	if j.Envelope.Link != "" {
		sort |= someLinked
	}
	return sort
}

// isPlain reports whether the job is new for sure, due at once, of normal priority and of no group.
func (j *NewJob) isPlain() bool {
	return j.isNew() && j.Envelope.Priority == drayhorse.Normal && j.Envelope.Group == ""
}

// isNew reports whether it is new for sure and due at once: there is nothing to plan.
func (j *NewJob) isNew() bool {
	return !j.Envelope.OwnID && !j.Guarded && j.In == 0 && j.At.IsZero() && j.Past == nil && j.Unique == nil && j.Envelope.StartWithin == 0
}

// plan is what the script is to know of the job; see enqueue.lua.
func (j *NewJob) plan() string {
	if j.isNew() {
		return ""
	}
	own, due, within, schedule, tick := "", "", "", "", ""
	if j.Envelope.OwnID {
		own = "1"
		if j.Replace {
			own = "2"
		}
	}
	switch {
	case !j.At.IsZero():
		due = strconv.FormatInt(j.At.UnixMilli(), 10)
	case j.In > 0:
		due = "+" + strconv.FormatInt(j.In.Milliseconds(), 10)
	}
	if j.Envelope.StartWithin > 0 {
		within = strconv.FormatInt(j.Envelope.StartWithin.Milliseconds(), 10)
	}
	if j.Guarded {
		schedule, tick = j.Envelope.Schedule, strconv.FormatInt(j.Envelope.Tick.UnixMilli(), 10)
	}
	return strings.Join([]string{own, due, within, uniquePlan(j.Unique), schedule, tick, j.Past.plan()}, "|")
}

// plan is the part of a job's plan that tells of its past.
func (p *Past) plan() string {
	if p == nil {
		return "||"
	}
	discarded, record := "", ""
	if p.Discarded {
		discarded = "1"
	}
	if p.LastError != nil {
		record = encodeError(*p.LastError)
	}
	return strings.Join([]string{strconv.Itoa(p.Failed), discarded, record}, "|")
}

// Stored is what became of a job that was enqueued.
type Stored struct {
	Duplicate bool
	Rejected  bool      // it is a duplicate, and that is an error
	Other     string    // the stored ID of what counts as the same; empty: of that same ID
	Full      bool      // it was not stored: there is no room; see FullError
	Depth     int       // how many jobs there may be, if Full
	Ended     bool      // it was not stored: the batch takes no more members from outside
	Now       time.Time // by Redis's clock; zero where all jobs of the call are due at once
}

// enqueue makes one call of a writer and gives how many replicas have confirmed it, if
// any was to. Repeating it with the same seq and jobs is harmless. What became of the
// jobs is appended to stored.
func (p *Partition) enqueue(ctx context.Context, keys *writerKeys, seq uint64, jobs []*NewJob, stored []Stored) ([]Stored, int, error) {
	call := keys.call(seq, jobs)
	value, replicas, err := p.engine.runDurably(ctx, call, durable(jobs))
	if err != nil {
		return stored, 0, err
	}
	stored, err = decodeStored(value, len(jobs), stored)
	return stored, replicas, err
}

// runDurably runs a script and waits for n replicas, if it is to.
func (e *Engine) runDurably(ctx context.Context, call redis.Call, n int) (any, int, error) {
	if n == 0 {
		value, err := e.client.Run(ctx, call)
		return value, 0, err
	}
	return e.client.RunReplicated(ctx, call, n, replicationTime)
}

// durable is how many replicas the most demanding job asks for.
func durable(jobs []*NewJob) int {
	n := 0
	for _, j := range jobs {
		n = max(n, j.Durable)
	}
	return n
}

// decodeStored appends what became of jobs to stored. push answers with the answers
// alone, enqueue with the time before them.
func decodeStored(value any, jobs int, stored []Stored) ([]Stored, error) {
	var now time.Time
	answers, alone := value.(string)
	if !alone {
		reply, _ := value.([]any)
		if len(reply) != 2 {
			return stored, fmt.Errorf("enqueue: unexpected reply %v", value)
		}
		now, answers = time.UnixMilli(asInt(reply[0])), asString(reply[1])
	}
	if len(answers) < jobs {
		return stored, fmt.Errorf("enqueue: %d answers for %d jobs", len(answers), jobs)
	}
	others := answers[jobs:]
	for i := range jobs {
		s := Stored{Duplicate: answers[i] >= '1' && answers[i] <= '3', Rejected: answers[i] == '3', Full: answers[i] == '4', Ended: answers[i] == '5', Now: now}
		if answers[i] >= '2' && answers[i] <= '4' {
			if others == "" || len(others) <= int(others[0]) {
				return stored, fmt.Errorf("enqueue: the answers %q are cut short", answers)
			}
			s.Other, others = others[1:1+others[0]], others[1+others[0]:]
		}
		if s.Full {
			s.Depth, _ = strconv.Atoi(s.Other)
			s.Other = ""
		}
		stored = append(stored, s)
	}
	return stored, nil
}

// writerKeys are the keys of a writer's calls, by script: the last one is answer:WRITER.
type writerKeys struct{ push, enqueue []string }

func newWriterKeys(p *Partition, writer string) *writerKeys {
	of := func(s *script) []string {
		keys := slices.Clone(p.sets[s.index])
		keys[len(keys)-1] += ":" + writer
		return keys
	}
	return &writerKeys{push: of(pushScript), enqueue: of(enqueueScript)}
}

// call lays out a call as its script reads it: push.lua if all jobs are plain, as
// nearly all are, else enqueue.lua.
func (k *writerKeys) call(seq uint64, jobs []*NewJob) redis.Call {
	large, plain := 0, true
	for _, j := range jobs {
		large |= j.sort()
		plain = plain && j.isPlain() && j.Envelope.Link == ""
	}
	args := make([]any, 0, 3+3*len(jobs))
	args = append(args, seq, answerTTL.Milliseconds(), large)
	for _, j := range jobs {
		args = append(args, &j.ID, (*encoded)(j)) // a pointer saves a copy
		if !plain {
			args = append(args, j.plan())
		}
	}
	if plain {
		return redis.Call{Script: pushScript.Script, Keys: k.push, Args: args}
	}
	return redis.Call{Script: enqueueScript.Script, Keys: k.enqueue, Args: args}
}

// retryable reports whether a call is worth repeating: it may or may not have been
// executed, or Redis may soon be able to.
func retryable(err error) bool {
	return err != nil && !redis.IsFull(err) && redis.Temporary(err) && !errors.Is(err, errStale)
}
