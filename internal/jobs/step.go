package jobs

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/drayhorse/drayhorse"
)

// maxStepsPage is of how many bytes of steps one call reads more than one.
const maxStepsPage = 1 << 20

// StepClaim is a claim whose handler takes steps. They count only while the job is under it.
type StepClaim struct {
	Partition *Partition
	ID        string // as stored
	Lease     string
	Seq       uint64 // the turn that claimed it
}

// Keep keeps the result of step number n of a job, from 1. A repeat does nothing. The error is
// drayhorse.ErrLeaseLost if the job is not under the claim any more, or Redis has lost steps.
func (c *StepClaim) Keep(ctx context.Context, n int, name string, result []byte) error {
	_, err := c.run(ctx, "r", name, n, string(result))
	return err
}

// Sleep keeps that a job sleeps for d from now on, as its step number n, and says until when. A
// repeat gets the first answer. The errors are those of Keep.
func (c *StepClaim) Sleep(ctx context.Context, n int, name string, d time.Duration) (until, now time.Time, err error) {
	reply, err := c.run(ctx, "s", name, n, ceilMillis(d))
	if err != nil {
		return until, now, err
	}
	return asTime(reply[1]), asTime(reply[0]), nil
}

// StepWait is how a job's wait for a signal stands.
type StepWait struct {
	Now      time.Time
	Until    time.Time
	TimedOut bool
	Came     bool
	Payload  json.RawMessage // of the signal, if it came
}

// Wait waits for a signal, for timeout from the first call on, and says how that stands. The
// errors are those of Keep.
func (c *StepClaim) Wait(ctx context.Context, name string, timeout time.Duration) (*StepWait, error) {
	reply, err := c.run(ctx, "w", name, 0, ceilMillis(timeout))
	if err != nil {
		return nil, err
	}
	w := &StepWait{Now: asTime(reply[0]), Until: asTime(reply[1]), TimedOut: reply[2] == "t", Came: reply[2] == "g"}
	if w.Came {
		signal := asString(reply[3])
		_, payload, ok := decodeSignal(signal, len(signal))
		if !ok {
			return nil, fmt.Errorf("step: unexpected signal %q", signal)
		}
		w.Payload = json.RawMessage(payload)
	}
	return w, nil
}

func (c *StepClaim) run(ctx context.Context, sort, name string, n int, value any) ([]any, error) {
	token := c.Lease + ":" + strconv.FormatUint(c.Seq, 10)
	reply, err := c.Partition.run(ctx, stepScript, c.ID, token, sort, name, n, value)
	if err != nil {
		return nil, err
	}
	values := asList(reply)
	if len(values) != 4 {
		return nil, fmt.Errorf("step: unexpected reply %v", reply)
	}
	return values, nil
}

// ceilMillis gives a duration in ms, and no less than it is.
func ceilMillis(d time.Duration) int64 {
	return int64((max(d, 0) + time.Millisecond - 1) / time.Millisecond)
}

// Steps gives what the steps of a job came to, with the results. The error is
// drayhorse.ErrNotFound if the job is not known.
func (p *Partition) Steps(ctx context.Context, id string) (*drayhorse.JobSteps, error) {
	steps, _, err := p.readSteps(ctx, id, true)
	return steps, err
}

// Steps gives what the steps of the job came to before, without its signals, and what time it
// is. The error is drayhorse.ErrNotFound if the job is gone.
func (c *StepClaim) Steps(ctx context.Context) (*drayhorse.JobSteps, time.Time, error) {
	return c.Partition.readSteps(ctx, c.ID, false)
}

func (p *Partition) readSteps(ctx context.Context, id string, signals bool) (*drayhorse.JobSteps, time.Time, error) {
	steps := &drayhorse.JobSteps{Steps: []drayhorse.JobStep{}}
	wanted := 0
	if signals {
		wanted = 1
	}
	for {
		value, err := p.run(ctx, stepsScript, id, len(steps.Steps), maxStepsPage, wanted)
		if err != nil {
			return nil, time.Time{}, err
		}
		reply := asList(value)
		if len(reply) != 6 {
			return nil, time.Time{}, fmt.Errorf("steps: unexpected reply %v", value)
		}
		if reply[0] == "unknown" {
			return nil, time.Time{}, fmt.Errorf("%w: job %s in queue %s", drayhorse.ErrNotFound, UnpackID(id), p.Queue)
		}
		now, rows := asTime(reply[1]), asList(reply[4])
		for _, row := range rows {
			step, ok := decodeStep(asString(row), now)
			if !ok {
				return nil, time.Time{}, fmt.Errorf("steps of job %s: number %d is damaged: %q", UnpackID(id), len(steps.Steps)+1, clip(asString(row)))
			}
			steps.Steps = append(steps.Steps, step)
		}
		if len(rows) > 0 && len(steps.Steps) < int(asInt(reply[2])) {
			continue
		}
		if signals {
			steps.Signals = decodeSignals(asList(reply[5]))
		}
		steps.Waits = decodeWaits(asString(reply[3]), steps.Signals)
		return steps, now, nil
	}
}

// clip keeps a message readable whatever is there.
func clip(s string) string { return s[:min(len(s), 100)] }

// decodeStep reads a row "sort|ms|till|name|result".
func decodeStep(row string, now time.Time) (step drayhorse.JobStep, ok bool) {
	sort, rest, ok1 := strings.Cut(row, "|")
	at, rest, ok2 := number(rest, '|')
	till, rest, ok3 := number(rest, '|')
	name, result, ok4 := strings.Cut(rest, "|")
	if !ok1 || !ok2 || !ok3 || !ok4 {
		return step, false
	}
	step = drayhorse.JobStep{Name: name, Type: drayhorse.StepRun, Done: true, At: time.UnixMilli(at)}
	if sort == "s" {
		step.Type, step.Until = drayhorse.StepSleep, time.UnixMilli(till)
		step.Done = !now.Before(step.Until)
	} else {
		step.Result = json.RawMessage(result)
	}
	return step, true
}

// decodeWaits reads "name=since,till,state;" of each wait.
func decodeWaits(waits string, signals []drayhorse.JobSignal) (all []drayhorse.JobWait) {
	for row := range strings.SplitSeq(waits, ";") {
		name, rest, ok := strings.Cut(row, "=")
		if !ok {
			continue
		}
		since, rest, _ := number(rest, ',')
		till, state, _ := number(rest, ',')
		wait := drayhorse.JobWait{Name: name, At: time.UnixMilli(since), Until: time.UnixMilli(till), TimedOut: state == "t"}
		for _, s := range signals {
			wait.Came = wait.Came || s.Name == name
		}
		all = append(all, wait)
	}
	return all
}

// decodeSignals reads for each signal its name, its size and its first bytes.
func decodeSignals(values []any) (all []drayhorse.JobSignal) {
	for i := 0; i+2 < len(values); i += 3 {
		s, _, _ := decodeSignal(asString(values[i+2]), int(asInt(values[i+1])))
		s.Name = asString(values[i])
		all = append(all, s)
	}
	return all
}

// decodeSignal reads a row "ms|key|sender's length|sender, and the payload", which is of so many
// bytes in all.
func decodeSignal(row string, size int) (s drayhorse.JobSignal, payload string, ok bool) {
	at, rest, ok1 := number(row, '|')
	key, rest, ok2 := strings.Cut(rest, "|")
	n, rest, ok3 := number(rest, '|')
	if !ok1 || !ok2 || !ok3 || n > int64(len(rest)) {
		return s, "", false
	}
	payload = rest[n:]
	return drayhorse.JobSignal{At: time.UnixMilli(at), Key: key, Sender: rest[:n], Bytes: size - (len(row) - len(payload))}, payload, true
}
