package flows

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/drayhorse/drayhorse"
	"github.com/drayhorse/drayhorse/flow"
	"github.com/drayhorse/drayhorse/internal/jobs"
	"github.com/drayhorse/drayhorse/internal/redis"
)

// tellSteps tells flows what the jobs of their steps have come to, those of one flow in one call and all in
// one round trip, and notes in which shards ops wait.
func (s *Store) tellSteps(ctx context.Context, p *jobs.Partition, rows []jobs.Row, busy map[*shard]bool) error {
	type group struct {
		id   string
		at   int // of its call
		rows []jobs.Row
	}
	of := map[string]*group{} // by the link of the flow
	var order []*group
	var calls []redis.Call
	for _, r := range rows {
		id, made, step, run, _ := jobs.ParseStepLink(r.Link)
		link := jobs.Link(id, made)
		g := of[link]
		if g == nil {
			g = &group{id: id, at: len(calls)}
			of[link], order = g, append(order, g)
			calls = append(calls, s.callOn(outcomesScript, id, made.UnixMilli()))
		}
		g.rows = append(g.rows, r)
		calls[g.at].Args = append(calls[g.at].Args, fmt.Sprintf("%d.%d", step, run), textOf(r), r.Result)
	}
	if len(calls) == 0 {
		return nil
	}
	var told, gone []jobs.Row
	var failed error
	for i, reply := range s.client.RunAll(ctx, calls) {
		g := order[i]
		if reply.Err != nil {
			failed = failure(outcomesScript, reply.Err)
			continue
		}
		list := redis.AsList(reply.Value)
		if len(list) != 2 || len(redis.AsString(list[1])) != len(g.rows) {
			return unexpected(outcomesScript, reply.Value)
		}
		if redis.AsInt(list[0]) > 0 {
			busy[s.shardOf(g.id)] = true
		}
		for k, taken := range redis.AsString(list[1]) {
			switch taken {
			case '0':
				gone = append(gone, g.rows[k])
			case '1':
				told = append(told, g.rows[k])
			}
		}
	}
	return errors.Join(failed, p.Told(ctx, false, told...), p.Told(ctx, true, gone...))
}

// parseRef reads "number.run" of a step, and gives what is behind it and a |.
func parseRef(what string) (step, run int, rest string, err error) {
	ref, rest, _ := strings.Cut(what, "|")
	number, times, ok := strings.Cut(ref, ".")
	step, err1 := strconv.Atoi(number)
	run, err2 := strconv.Atoi(times)
	if !ok || err1 != nil || err2 != nil {
		return 0, 0, "", fmt.Errorf("flows: malformed step %q", ref)
	}
	return step, run, rest, nil
}

// doStep does an op about a step in its partition, and gives what ack is to know of it.
func (s *Store) doStep(ctx context.Context, p *jobs.Partition, o op) (string, error) {
	if o.sort == 'o' {
		var links []string
		for ref := range strings.SplitSeq(strings.TrimSuffix(o.what, ";"), ";") {
			step, run, _, err := parseRef(ref)
			if err != nil {
				return "", err
			}
			links = append(links, jobs.StepLink(o.id, o.made, step, run))
		}
		return "", p.Forget(ctx, links...)
	}
	step, run, _, err := parseRef(o.what)
	if err != nil {
		return "", err
	}
	if o.sort == 'y' {
		err := p.Cancel(ctx, p.StepID(o.id, o.made, step, run))
		if errors.Is(err, drayhorse.ErrNotFound) { // it has ended, or comes yet: then it is cancelled again
			return "", nil
		}
		if err != nil {
			return "", err
		}
		rows, _, err := p.News(ctx, 0) // that it has ended, where it waited
		if err != nil {
			return "", err
		}
		return "", s.tellSteps(ctx, p, ofSteps(rows), map[*shard]bool{})
	}
	row, err := p.Retell(ctx, jobs.StepLink(o.id, o.made, step, run))
	return textOf(row), err
}

// Retry has steps of a flow run again. The errors are drayhorse.ErrNotFound, ErrInvalid for a
// batch, and those of Redis.
func (s *Store) Retry(ctx context.Context, id string, again flow.Again) (*flow.Info, error) {
	if err := again.Validate(); err != nil {
		return nil, err
	}
	return s.steer(ctx, retryScript, id, string(again[0]))
}

// Signal gives a signal to a flow. It reports false if it was there, by its key. The errors are
// drayhorse.ErrNotFound if there is no such flow, or none of its steps waits for that;
// ErrSignalled, ErrSignalLate, and those of Redis.
func (s *Store) Signal(ctx context.Context, id string, signal *jobs.Signal) (first bool, err error) {
	err = s.insist(ctx, func() error {
		value, err := s.run(ctx, signalScript, id, signal.Name, signal.Key, signal.Sender, string(signal.Payload))
		first = redis.AsInt(value) == 1
		return s.whenBusy(ctx, id, err)
	})
	return first, err
}

// stateNames are the states of steps as the prelude has them.
var stateNames = map[string]flow.StepState{
	"w": flow.StepWaiting, "q": flow.StepRunning, "c": flow.StepCompleted, "d": flow.StepDiscarded, "x": flow.StepCancelled, "n": flow.StepCancelled,
}

// Result gives the result of a step that has completed. The errors are drayhorse.ErrNoResult,
// ErrInvalid if there is no such step, ErrNotFound, and those of Redis.
func (s *Store) Result(ctx context.Context, id string, made time.Time, name string) (result json.RawMessage, err error) {
	var list []string
	err = s.insist(ctx, func() error {
		value, err := s.run(ctx, resultScript, id, made.UnixMilli(), name)
		list = redis.AsStrings(value)
		return err
	})
	if err != nil {
		return nil, err
	}
	return decodeResult(id, name, list)
}

// ResultOf gives the result of a step of the flow of an ID. The errors are those of Result; drayhorse.ErrInvalid also for a
// batch.
func (s *Store) ResultOf(ctx context.Context, id, step string) (json.RawMessage, error) {
	info, err := s.Get(ctx, id)
	if err != nil {
		return nil, err
	}
	if !info.HasSteps {
		return nil, fmt.Errorf("%w: %s is a batch, which has no steps", drayhorse.ErrInvalid, id)
	}
	return s.Result(ctx, id, info.CreatedAt, step)
}

// decodeResult reads what the script of results gives of a step.
func decodeResult(id, name string, list []string) (json.RawMessage, error) {
	switch {
	case len(list) != 2:
		return nil, fmt.Errorf("result flow: unexpected reply %q", list)
	case list[0] == "":
		return nil, fmt.Errorf("%w: flow %s has no step %q", drayhorse.ErrInvalid, id, name)
	case list[0] != "c":
		return nil, fmt.Errorf("%w of step %s: it is %s", drayhorse.ErrNoResult, name, stateNames[list[0]])
	case list[1] == "":
		return nil, fmt.Errorf("%w of step %s: its handler has set none", drayhorse.ErrNoResult, name)
	case list[1] == "!":
		return nil, fmt.Errorf("%w of step %s: it was dropped, since those of the flow have more than %d bytes", drayhorse.ErrNoResult, name, flow.MaxResults)
	}
	return json.RawMessage(list[1]), nil
}

// graphAtOnce is how many steps one call reads.
const graphAtOnce = 500

// Steps gives the steps of a flow.
func (s *Store) Steps(ctx context.Context, id string, made time.Time, total int) ([]*flow.StepInfo, error) {
	steps := make([]*flow.StepInfo, 0, total)
	var ins, met []string
	until := map[string]time.Time{} // of signals, by number
	for len(steps) < total {
		var list []string
		err := s.insist(ctx, func() error {
			value, err := s.run(ctx, graphScript, id, made.UnixMilli(), len(steps), graphAtOnce)
			list = redis.AsStrings(value)
			return err
		})
		if err != nil {
			return nil, err
		}
		if len(list) < 5 {
			break
		}
		for row := range strings.SplitSeq(list[0], ";") {
			if number, till, ok := strings.Cut(row, ","); ok {
				until[number] = millis(till)
			}
		}
		for i := 1; i+3 < len(list); i += 4 {
			steps = append(steps, s.decodeStep(ctx, id, made, len(steps), list[i], list[i+1], list[i+3]))
			ins, met = append(ins, list[i+2]), append(met, metOf(list[i]))
		}
	}
	for i, step := range steps {
		step.Until = until[strconv.Itoa(i)]
		for row := range strings.SplitSeq(ins[i], ";") {
			number, policy, _ := strings.Cut(row, ",")
			j, err := strconv.Atoi(number)
			if err != nil || j >= len(steps) {
				continue
			}
			comesAfter(step, steps[j], flow.Policy(policy[0]), met[j])
		}
	}
	return steps, nil
}

// metOf gives what those that come after a step know of its end: "1" of a bad one, "2" of a good one.
func metOf(state string) string {
	if parts := strings.Split(state, "|"); len(parts) == 8 {
		return parts[3]
	}
	return "0"
}

// comesAfter notes that a step comes after another one, and whether it waits for that.
func comesAfter(step, other *flow.StepInfo, policy flow.Policy, met string) {
	switch policy {
	case flow.RunIt:
		step.AfterEnd = append(step.AfterEnd, other.Name)
	case flow.HoldIt:
		step.AfterHold = append(step.AfterHold, other.Name)
	case flow.CancelIt:
		step.After = append(step.After, other.Name)
	}
	if (step.State == flow.StepWaiting || step.State == flow.StepHeld) && (met == "0" || met == "1" && policy != flow.RunIt) {
		step.WaitsFor = append(step.WaitsFor, other.Name)
		if met == "1" && policy == flow.HoldIt {
			step.State = flow.StepHeld
		}
	}
}

// decodeStep reads what the prelude has of a step.
func (s *Store) decodeStep(ctx context.Context, id string, made time.Time, number int, state, label, signal string) *flow.StepInfo {
	parts, about := strings.Split(state, "|"), strings.SplitN(label, "|", 4)
	if len(parts) != 8 || len(about) != 4 { // it is not stored yet
		return &flow.StepInfo{State: flow.StepWaiting}
	}
	run, _ := strconv.Atoi(parts[1])
	step := &flow.StepInfo{Name: about[3], State: stateNames[parts[0]], Kind: about[2], Run: run + 1, BeganAt: millis(parts[6]), EndedAt: millis(parts[7])}
	if about[0] == "j" {
		step.Queue, _, _ = strings.Cut(about[1], "/")
		if parts[5] != "0" {
			if p, err := s.partition(ctx, op{to: about[1]}); err == nil {
				step.JobID = jobs.UnpackID(p.StepID(id, made, number, run))
			}
		}
		return step
	}
	if _, rest, ok := strings.Cut(signal, "|"); ok {
		_, step.Sender, _ = strings.Cut(rest, "|")
	}
	return step
}

// millis reads a time in ms; zero for 0.
func millis(text string) time.Time {
	ms, _ := strconv.ParseInt(text, 10, 64)
	if ms == 0 {
		return time.Time{}
	}
	return time.UnixMilli(ms)
}
