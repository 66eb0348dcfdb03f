package operate

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/drayhorse/drayhorse"
	"github.com/drayhorse/drayhorse/admin"
	"github.com/drayhorse/drayhorse/flow"
	"github.com/drayhorse/drayhorse/internal/cli"
)

type signalConfig struct {
	jobConfig   `yaml:",inline"`
	signalFlags `yaml:",inline"`
}

// signalFlags say more of a signal.
type signalFlags struct {
	Key    string `yaml:"-" flag:"key" arg:"KEY" usage:"by what the signal is known when it is sent again (default: one that nobody else has)"`
	Sender string `yaml:"-" flag:"sender" arg:"TEXT" usage:"who sends it (default: who runs this)"`
}

func signalJob() *cobra.Command {
	return cli.Def[signalConfig]{
		Name: "signal", Args: []string{"ID", "NAME", "[JSON]"},
		Short: "Send a job a value for which a step of its handler waits",
		Long: `Send a job a value for which its handler waits with step.WaitSignal, or will. A job that
sleeps for it runs at once. The first signal of a name stays: a second one is an error, but
for the same one again, by its --key. Without JSON the value is null.`,
		Example:       `  drayhorse jobs signal order-42 approved '{"by":"ann"}' --key click-7`,
		Config:        signalConfig{jobConfig: jobConfig{common: defaults()}},
		CompleteFlags: ofQueue[signalConfig](),
		Run:           sendSignal,
	}.Command()
}

func sendSignal(ctx context.Context, call *cli.Call, cfg *signalConfig) error {
	id, name := call.Args[0], call.Args[1]
	payload, err := signalValue(call.Args)
	if err != nil {
		return err
	}
	if cfg.Sender == "" {
		cfg.Sender = cli.Actor()
	}
	return cfg.with(call, func(a *admin.Admin) error {
		first, err := a.Signal(ctx, id, name, payload, flow.Key(cfg.Key), flow.Sender(cfg.Sender), flow.Queue(cfg.Queue))
		if err != nil {
			return err
		}
		text, done := "signalled "+id, "signalled"
		if !first {
			text, done = "job "+id+" has that signal already", "duplicate"
		}
		return cfg.Done(call, text, map[string]any{"id": id, "signal": name, "done": done})
	})
}

// signalValue gives the value of a signal, the third argument if there is one.
func signalValue(args []string) (json.RawMessage, error) {
	if len(args) < 3 {
		return json.RawMessage("null"), nil
	}
	payload := json.RawMessage(args[2])
	if !json.Valid(payload) {
		return nil, cli.Usagef(`value %q; want JSON, such as '{"ok":true}' or '"text"'`, args[2])
	}
	return payload, nil
}

// MarshalJSON adds the steps to the job, if it has any.
func (j seenJob) MarshalJSON() ([]byte, error) {
	job, err := json.Marshal(j.Info)
	if err != nil || !hasSteps(j.steps) {
		return job, err
	}
	steps, err := json.Marshal(j.steps)
	return append(append(job[:len(job)-1], ','), steps[1:]...), err
}

func hasSteps(s *drayhorse.JobSteps) bool {
	return s != nil && len(s.Steps)+len(s.Waits)+len(s.Signals) > 0
}

// maxShownResult is how much of a step's result is shown to people.
const maxShownResult = 200

// showSteps shows the steps in their order, and for what the job waits.
func showSteps(f *fields, s *drayhorse.JobSteps) {
	if !hasSteps(s) {
		return
	}
	for _, step := range s.Steps {
		switch {
		case !step.Done:
			f.coloured("Step", fmt.Sprintf("%s: sleeps until %s", step.Name, f.at(step.Until)), cli.Yellow)
		case step.Type == drayhorse.StepSleep:
			f.add("Step", fmt.Sprintf("%s: slept until %s", step.Name, f.at(step.Until)))
		default:
			result := string(step.Result)
			if len(result) > maxShownResult {
				result = result[:maxShownResult] + "..."
			}
			f.add("Step", fmt.Sprintf("%s: done %s: %s", step.Name, f.at(step.At), result))
		}
	}
	for _, w := range s.Waits {
		switch {
		case w.TimedOut:
			f.add("Step", fmt.Sprintf("%s: no signal came until %s", w.Name, f.at(w.Until)))
		case w.Open():
			f.coloured("Step", fmt.Sprintf("%s: waits for its signal until %s", w.Name, f.at(w.Until)), cli.Yellow)
		}
	}
	for _, g := range s.Signals {
		text := fmt.Sprintf("%s: %d bytes, %s", g.Name, g.Bytes, f.at(g.At))
		if g.Sender != "" {
			text += ", from " + g.Sender
		}
		f.add("Signal", text)
	}
}
