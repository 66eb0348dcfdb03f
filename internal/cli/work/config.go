package work

import (
	"fmt"
	"maps"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/drayhorse/drayhorse"
	"github.com/drayhorse/drayhorse/internal/cli"
	"github.com/drayhorse/drayhorse/internal/conf"
	"github.com/drayhorse/drayhorse/internal/handlers"
	"github.com/drayhorse/drayhorse/worker"
)

// Tuning is what a worker works on and how, wherever its Redis is.
type Tuning struct {
	Queues          cli.Weights                `yaml:"queues" flag:"queue" arg:"NAME[=WEIGHT]" usage:"queue to work on, any number of times (default \"default\")"`
	StrictOrder     bool                       `yaml:"strict_order" usage:"drain queues of a larger weight before others get a turn"`
	Concurrency     int                        `yaml:"concurrency" arg:"N" usage:"how many jobs run at once"`
	ShutdownTimeout time.Duration              `yaml:"shutdown_timeout" usage:"how long running jobs may take at the end before they are handed back"`
	Handlers        map[string]handlers.Config `yaml:"handlers"`
	Limits          []cli.Limit                `yaml:"limits,omitempty"`
}

// limits gives the limits as a worker takes them.
func (t *Tuning) limits() []drayhorse.Limit {
	var all []drayhorse.Limit
	for i := range t.Limits {
		all = append(all, t.Limits[i].Declared())
	}
	return all
}

// DefaultTuning has no handlers.
func DefaultTuning() Tuning {
	return Tuning{
		Concurrency:     worker.DefaultConcurrencyPerCPU * runtime.NumCPU(),
		ShutdownTimeout: worker.DefaultShutdownTimeout,
	}
}

// Settle fills in the queue and reports the first impossible value, as
// drayhorse.ErrInvalid.
func (t *Tuning) Settle() error {
	if len(t.Queues) == 0 {
		t.Queues = cli.Weights{drayhorse.DefaultQueue: 1}
	}
	if t.Concurrency < 1 {
		return fmt.Errorf("%w: concurrency %d; want 1 or more", drayhorse.ErrInvalid, t.Concurrency)
	}
	for _, name := range slices.Sorted(maps.Keys(t.Queues)) {
		if weight := t.Queues[name]; weight < 1 {
			return &conf.KeyError{Key: "queues." + name, Err: fmt.Errorf("%w: weight %d of queue %q; want 1 or more", drayhorse.ErrInvalid, weight, name)}
		}
	}
	if err := t.checkQueues(); err != nil {
		return err
	}
	c := t.worker()
	if err := c.ValidateLimits(); err != nil {
		return &conf.KeyError{Key: "limits", Err: fmt.Errorf("limits: %w", err)}
	}
	if t.ShutdownTimeout < 0 {
		return fmt.Errorf("%w: shutdown_timeout %v; want 0 or more", drayhorse.ErrInvalid, t.ShutdownTimeout)
	}
	return nil
}

// checkQueues refuses a handler for a queue that the worker does not work on.
func (t *Tuning) checkQueues() error {
	for _, kind := range slices.Sorted(maps.Keys(t.Handlers)) {
		for i, queue := range t.Handlers[kind].Queues {
			if _, ok := t.Queues[queue]; !ok {
				return fmt.Errorf("%w: handlers.%s.queues[%d] %q; want one of the queues that this worker works on: %s",
					drayhorse.ErrInvalid, kind, i, queue, strings.Join(slices.Sorted(maps.Keys(t.Queues)), ", "))
			}
		}
	}
	return nil
}

// worker gives the settings as a worker takes them.
func (t *Tuning) worker() worker.Config {
	c := worker.Config{
		Queues: t.Queues, StrictOrder: t.StrictOrder, Concurrency: t.Concurrency, ShutdownTimeout: t.ShutdownTimeout, Limits: t.limits(),
	}
	if c.ShutdownTimeout == 0 {
		c.ShutdownTimeout = -1 // not at all, where 0 stands for the default
	}
	return c
}
