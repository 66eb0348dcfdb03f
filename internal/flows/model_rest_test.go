package flows

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/drayhorse/drayhorse/flow"
	"github.com/drayhorse/drayhorse/internal/jobs"
)

// restGraphs checks flows of steps at rest: those whose steps are held end once they are mended.
func (w *world) restGraphs() error {
	for round := 0; ; round++ {
		held := false
		for _, id := range w.ids() {
			if !isGraph(id) || w.engine.Client().HGet(w.ctx, w.flowKey(id), "st").Val() == "dropping" {
				continue
			}
			if err := w.checkGraphAtRest(id); err != nil {
				return fmt.Errorf("flow %s at rest: %w", id, err)
			}
			info, err := w.store.GetWithSteps(w.ctx, id)
			if err != nil {
				return err
			}
			if info.State == flow.Draft || !info.EndedAt.IsZero() {
				continue
			}
			held = true
			if err := w.mend(id, info); err != nil {
				return err
			}
		}
		if !held {
			return nil
		}
		if round == 20 {
			return errors.New("flows do not end")
		}
		if err := w.settleAll(); err != nil {
			return err
		}
	}
}

// mend does for a flow at rest what it waits for: signals come, and what has failed runs again.
func (w *world) mend(id string, info *flow.Info) error {
	for i, s := range info.Steps {
		if s.State == flow.StepRunning && s.Kind == "" {
			w.graphOf(id).signalled[i] = true
			if _, err := w.store.Signal(w.ctx, id, &jobs.Signal{Name: s.Name, Payload: []byte("1"), SignalSettings: flow.SignalSettings{Key: "k"}}); err != nil {
				return err
			}
			return w.store.Drain(w.ctx, id)
		}
	}
	for _, s := range info.Steps {
		if s.State == flow.StepHeld {
			if _, err := w.store.Retry(w.ctx, id, flow.FailedAndDownstream); err != nil {
				return err
			}
			return w.store.Drain(w.ctx, id)
		}
	}
	text, _ := json.Marshal(info)
	return fmt.Errorf("flow %s waits for nothing: %s", id, text)
}

// checkGraphAtRest says what is wrong with a flow when nothing is on its way any more.
func (w *world) checkGraphAtRest(id string) error {
	info, err := w.store.Get(w.ctx, id)
	if err != nil {
		return err
	}
	if info.State == flow.Draft {
		return nil
	}
	steps, n := w.stepsOf(id), map[string]int{}
	for i, s := range steps {
		n[s.state]++
		ever, ended := w.seenOf(id, i, s.run)
		if s.sort == "j" && strings.Contains("cdx", s.state) && string(ended) != s.state {
			return fmt.Errorf("step %s is %s; its job has ended %q, at last %c", s.name, s.state, ever, ended)
		}
		if s.sort == "j" && s.state == "q" {
			return fmt.Errorf("step %s runs; its job has ended %q", s.name, ever)
		}
		made := info.CreatedAt
		if want := resultOf(jobs.StepLink(id, made, i, s.run)); s.sort == "j" && s.state == "c" && s.value != want {
			return fmt.Errorf("step %s has the result %q, want %q", s.name, s.value, want)
		}
		need, justified := 0, w.graphOf(id).cancelled
		for k, e := range s.ins {
			from := steps[s.from[k]]
			if from.met == 0 || from.met == 1 && e.Policy != flow.RunIt {
				need++
			}
			justified = justified || e.Policy == flow.CancelIt && w.graphOf(id).bad[s.from[k]]
		}
		if s.state == "w" && (need == 0 || need != s.need) {
			return fmt.Errorf("step %s waits for %d, and %d have not ended well", s.name, s.need, need)
		}
		if s.state == "n" {
			total.cancelled.Add(1)
			if !justified {
				return fmt.Errorf("step %s was cancelled for nothing", s.name)
			}
		}
		if s.sort == "g" && s.state == "c" {
			total.signals.Add(1)
		}
	}
	if got, want := [5]int{info.Running, info.Completed, info.Discarded, info.Cancelled, info.Total}, [5]int{n["q"], n["c"], n["d"], n["x"] + n["n"], len(steps)}; got != want {
		return fmt.Errorf("it has counted %v; want %v", got, want)
	}
	if ended := n["w"]+n["q"] == 0; ended == info.EndedAt.IsZero() || info.Pending > 0 {
		return fmt.Errorf("has it ended? %+v; %v", info, n)
	}
	return nil
}
