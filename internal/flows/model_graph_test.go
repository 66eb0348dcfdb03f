package flows

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/drayhorse/drayhorse"
	"github.com/drayhorse/drayhorse/flow"
	"github.com/drayhorse/drayhorse/internal/jobs"
)

// The part of the randomized test that is about flows of steps. What each is made of follows from its ID
// and its shape, which the arguments of its jobs name.

// graph is what was seen of one flow of steps.
type graph struct {
	runs      map[int]int    // of steps, by number
	states    map[int]string // the same, as the last check found them
	cancelled bool           // it ever was
	stopped   bool           // it is, as the last check found it
	bad       map[int]bool   // steps that have ended badly, in whichever run
	signalled map[int]bool   // steps whose signals were sent
	hastened  map[int]bool   // steps whose signals were let come too late
}

func isGraph(id string) bool { return strings.HasPrefix(id, "graph-") }

func (w *world) anyGraph() string { return fmt.Sprintf("graph-%d", w.rng.IntN(8)) }

const shapes = 2 // of one ID

// shape makes a flow, always the same.
func shape(id string, of int) *flow.Flow {
	n, _ := strconv.Atoi(strings.TrimPrefix(id, "graph-"))
	rng := rand.New(rand.NewPCG(uint64(n), uint64(of))) //nolint:gosec // not a secret
	f := flow.New(id)
	var steps []*flow.Step
	for i := range 3 + rng.IntN(6) {
		name := fmt.Sprint("s", i)
		var s *flow.Step
		if rng.IntN(5) == 0 {
			s = f.Signal(name, time.Hour)
		} else {
			options := []drayhorse.Option{drayhorse.Queue([]string{"p", "q"}[rng.IntN(2)]), drayhorse.MaxAttempts(3)}
			if rng.IntN(4) == 0 {
				options = append(options, drayhorse.Retain(time.Hour))
			}
			s = f.Step(name, note{Step: fmt.Sprintf("%s/%d/%s", id, of, name)}, options...)
			if rng.IntN(6) == 0 {
				s.Delay(time.Millisecond)
			}
		}
		for _, other := range steps {
			switch rng.IntN(6) {
			case 0:
				s.AfterEnd(other)
			case 1:
				s.AfterHold(other)
			case 2:
				s.After(other)
			}
		}
		steps = append(steps, s)
	}
	return f
}

// resultOf is what the handler of a run of a step gives; empty: nothing.
func resultOf(link string) string {
	_, _, step, run, _ := jobs.ParseStepLink(link)
	if step%3 == 2 {
		return ""
	}
	return fmt.Sprintf("%d", 1000*step+run)
}

// submitter submits flows, and sends what they wait for.
func (w *world) submitter(ctx context.Context) {
	id := w.anyGraph()
	if w.chance(2) {
		_, _ = w.store.Submit(ctx, shape(id, w.rng.IntN(shapes)), 1000)
		return
	}
	_, _ = w.store.InUse(ctx)
	steps := w.stepsOf(id)
	for i, s := range steps {
		if s.sort == "g" && w.chance(2) {
			w.graphOf(id).signalled[i] = true
			_, _ = w.store.Signal(ctx, id, &jobs.Signal{Name: s.name, Payload: []byte("1"), SignalSettings: flow.SignalSettings{Key: "k"}})
			return
		}
	}
}

// extend has a step add others to its flow, which come after steps that are there. Which they are follows
// from the run of the step, and what they come after from the steps that there are, too.
func (w *world) extend(ctx context.Context, link string) {
	id, made, step, run, _ := jobs.ParseStepLink(link)
	there := w.stepsOf(id)
	if w.link(id) != jobs.Link(id, made) || len(there) == 0 {
		return
	}
	more := flow.New("")
	var before *flow.Step
	for k := range 1 + step%2 {
		name := fmt.Sprintf("x%d-%d-%d", step, run, k)
		s := more.Step(name, note{Step: id + "/x/" + name}, drayhorse.Queue("p"), drayhorse.MaxAttempts(3))
		seen := map[string]bool{}
		for range w.rng.IntN(3) {
			other := there[w.rng.IntN(len(there))].name
			if strings.HasPrefix(other, "x") || seen[other] {
				continue
			}
			seen[other] = true
			switch w.rng.IntN(3) {
			case 0:
				s.AfterEnd(more.Existing(other))
			case 1:
				s.AfterHold(more.Existing(other))
			default:
				s.After(more.Existing(other))
			}
		}
		if before != nil {
			s.After(before)
		}
		before = s
		of := w.link(id) + " " + name
		w.truth.extra[of] = append(w.truth.extra[of], edgesOf(s))
	}
	if w.store.Extend(ctx, id, made, step, run, more, 1000) == nil {
		total.extended.Add(1)
	}
}

// edgesOf gives what a step comes after, in a line.
func edgesOf(s *flow.Step) string {
	text := ""
	for _, e := range s.Edges {
		text += fmt.Sprint(e.To.Name, " ", e.Policy, ";")
	}
	return text
}

// flowOperator retries and cancels flows.
func (w *world) flowOperator(ctx context.Context) {
	id := w.anyGraph()
	_, _ = w.store.InUse(ctx)
	switch w.rng.IntN(12) {
	case 0:
		_, _ = w.store.Cancel(ctx, id, "operator")
	case 1, 2, 3:
		_, _ = w.store.Retry(ctx, id, []flow.Again{flow.FailedOnly, flow.FailedAndDownstream, flow.All}[w.rng.IntN(3)])
	default:
		_ = w.store.drain(ctx, w.store.shardOf(id))
	}
}

// hastenGraph has the time come of a signal, and of a draft.
func (w *world) hastenGraph(ctx context.Context, id string, abandoned bool) {
	client := w.engine.Client()
	if abandoned || w.resting {
		client.HSet(ctx, w.flowKey(id), "open", 1)
	}
	sigs := client.HGet(ctx, w.flowKey(id), "sigs").Val()
	if sigs == "" || !w.resting && !w.chance(4) {
		return
	}
	late := ""
	for row := range strings.SplitSeq(strings.TrimSuffix(sigs, ";"), ";") {
		number, _, _ := strings.Cut(row, ",")
		i, _ := strconv.Atoi(number)
		w.graphOf(id).hastened[i] = true
		late += number + ",1;"
	}
	client.HSet(ctx, w.flowKey(id), "sigs", late)
}

// stored is a step as Redis has it.
type stored struct {
	name, sort, state string
	run, need, met    int
	ins               []flow.Edge // To is nil
	from              []int       // the numbers of the steps of ins
	value             string
}

func (w *world) stepsKey(id string) string { return w.store.callOn(resultScript, id).Keys[0] }

// runOf gives which run of a step is the last; -1 if there is no such step.
func (w *world) runOf(id string, number int) int {
	if steps := w.stepsOf(id); number < len(steps) {
		return steps[number].run
	}
	return -1
}

// stepsOf gives the steps of a flow, as they were when the last check began.
func (w *world) stepsOf(id string) []stored {
	if w.seenSteps == nil {
		w.seenSteps = map[string][]stored{}
	}
	steps, seen := w.seenSteps[id]
	if !seen {
		steps = w.readSteps(id)
		w.seenSteps[id] = steps
	}
	return steps
}

func (w *world) readSteps(id string) []stored {
	all, _ := w.engine.Client().HGetAll(w.ctx, w.stepsKey(id)).Result()
	var steps []stored
	for i := 0; all[fmt.Sprint("s", i)] != ""; i++ {
		parts, label := strings.Split(all[fmt.Sprint("s", i)], "|"), strings.SplitN(all[fmt.Sprint("l", i)], "|", 4)
		s := stored{name: label[3], sort: label[0], state: parts[0], value: all[fmt.Sprint("v", i)]}
		s.run, _ = strconv.Atoi(parts[1])
		s.need, _ = strconv.Atoi(parts[2])
		s.met, _ = strconv.Atoi(parts[3])
		for row := range strings.SplitSeq(strings.TrimSuffix(all[fmt.Sprint("p", i)], ";"), ";") {
			if number, policy, ok := strings.Cut(row, ","); ok {
				j, _ := strconv.Atoi(number)
				s.ins, s.from = append(s.ins, flow.Edge{Policy: flow.Policy(policy[0])}), append(s.from, j)
			}
		}
		steps = append(steps, s)
	}
	return steps
}

// graphOf gives what was seen of the flow that has the ID now.
func (w *world) graphOf(id string) *graph {
	link := w.link(id)
	if w.truth.graphs[link] == nil {
		w.truth.graphs[link] = &graph{runs: map[int]int{}, states: map[int]string{}, bad: map[int]bool{}, signalled: map[int]bool{}, hastened: map[int]bool{}}
		total.flows.Add(1)
	}
	return w.truth.graphs[link]
}

// seenOf gives how the job of a run of a step has ended, in all its lives; "" where it has not.
func (w *world) seenOf(id string, step, run int) (ever string, ended byte) {
	_, made := jobs.ParseLink(w.link(id))
	f := w.truth.batches[jobs.StepLink(id, made, step, run)]
	if f == nil {
		return "", 0
	}
	for _, m := range f.members {
		ever, ended = ever+m.ever, m.ended
	}
	return ever, ended
}

// mayRun says why a run of a step is not to begin now, of which the job has come.
func (w *world) mayRun(link, named string) error {
	total.steps.Add(1)
	id, _, step, run, _ := jobs.ParseStepLink(link)
	parts := strings.Split(named, "/")
	if len(parts) != 3 || parts[0] != id {
		return fmt.Errorf("step %q has the job of %q", link, named)
	}
	steps := w.stepsOf(id)
	if step >= len(steps) || steps[step].run < run || steps[step].run == run && steps[step].state == "w" {
		return fmt.Errorf("run %q of a step begins, and the flow does not know it", link)
	}
	if parts[1] == "x" {
		got := ""
		for k, e := range steps[step].ins {
			got += fmt.Sprint(steps[steps[step].from[k]].name, " ", e.Policy, ";")
		}
		if want := w.truth.extra[w.link(id)+" "+parts[2]]; !slices.Contains(want, got) {
			return fmt.Errorf("step %s comes %s, want one of %q", parts[2], got, want)
		}
		return nil
	}
	of, _ := strconv.Atoi(parts[1])
	ordered, err := shape(id, of).Ordered()
	if err != nil {
		return err
	}
	if step >= len(ordered) || ordered[step].Name != parts[2] {
		return fmt.Errorf("step %q has the job of %q", link, named)
	}
	var want, got []string // what it comes after
	for _, e := range ordered[step].Edges {
		want = append(want, fmt.Sprint(slices.Index(ordered, e.To), e.Policy))
	}
	for k, e := range steps[step].ins {
		got = append(got, fmt.Sprint(steps[step].from[k], e.Policy))
	}
	if !slices.Equal(want, got) {
		return fmt.Errorf("step %s comes %v, want %v", parts[2], got, want)
	}
	return nil
}

// isMet says why a step has not ended as one that comes after it wants.
func (w *world) isMet(id string, number int, s stored, policy flow.Policy) error {
	ever, ended := w.seenOf(id, number, s.run)
	switch {
	case s.sort == "g" && s.state == "c" && w.graphOf(id).signalled[number],
		s.sort == "g" && s.state == "d" && policy == flow.RunIt && w.graphOf(id).hastened[number],
		s.state == "n" && policy == flow.RunIt,
		s.sort == "j" && strings.Contains(ever, "c"),
		s.sort == "j" && policy == flow.RunIt && ended != 0:
		return nil
	}
	return fmt.Errorf("run %d of that is %q, and was seen to end %q", s.run, s.state, ever)
}

// checkGraphs compares what flows of steps have decided with what was seen.
func (w *world) checkGraphs(last string) error {
	for _, id := range w.ids() {
		if !isGraph(id) {
			continue
		}
		g := w.graphOf(id)
		record := w.engine.Client().HMGet(w.ctx, w.flowKey(id), "st", "cancelled", "pend", "ops", "dag").Val()
		if record[4] == nil {
			return fmt.Errorf("flow %s is none", id)
		}
		g.cancelled = g.cancelled || record[1] != nil
		if record[0] == "dropping" || record[0] == "draft" {
			continue
		}
		for _, n := range record[2:4] {
			if text, _ := n.(string); strings.HasPrefix(text, "-") {
				return fmt.Errorf("flow %s has %v ops on their way", id, record[2:4])
			}
		}
		names := map[string]bool{}
		for i, s := range w.stepsOf(id) {
			if names[s.name] {
				return fmt.Errorf("flow %s has step %s twice", id, s.name)
			}
			names[s.name] = true
			if before, known := g.runs[i]; known && s.run != before && last != "flow retry" && last != "flow work" {
				return fmt.Errorf("step %s of %s runs again, %d after %d, and nobody has asked for that", s.name, id, s.run, before)
			} else if known && s.run != before {
				total.reruns.Add(1)
			}
			if g.stopped && record[1] != nil && (g.states[i] == "w" || g.states[i] == "") && s.state != "w" && s.state != "n" {
				return fmt.Errorf("step %s of %s begins, which is cancelled", s.name, id)
			}
			if begins := !strings.Contains("wn", s.state) && (g.states[i] == "" || g.states[i] == "w" || s.run != g.runs[i]); begins {
				for k, e := range s.ins {
					if err := w.isMet(id, s.from[k], w.stepsOf(id)[s.from[k]], e.Policy); err != nil {
						return fmt.Errorf("step %s of %s begins, which comes %v %d: %w", s.name, id, e.Policy, s.from[k], err)
					}
				}
			}
			g.runs[i], g.states[i], g.bad[i] = s.run, s.state, g.bad[i] || strings.Contains("dxn", s.state)
			if s.need < 0 || s.state == "w" && s.need == 0 && record[2] == "0" && last != "flow submit" {
				return fmt.Errorf("step %s of %s waits for %d", s.name, id, s.need)
			}
			if s.sort == "g" && s.state == "d" && !g.hastened[i] {
				return fmt.Errorf("step %s of %s is waited for no more, and its time is not over", s.name, id)
			}
			if ever, _ := w.seenOf(id, i, s.run); s.sort == "j" && strings.Contains("cdx", s.state) && !strings.Contains(ever, s.state) {
				return fmt.Errorf("step %s of %s counts as %s; its job was seen to end %q", s.name, id, s.state, ever)
			}
		}
		g.stopped = record[1] != nil
	}
	return nil
}
