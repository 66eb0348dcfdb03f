package cli

import (
	"time"

	"github.com/drayhorse/drayhorse"
)

// Limit is a limit as files declare it.
type Limit struct {
	Name        string `yaml:"name"`
	Queue       string `yaml:"queue,omitempty"` // empty: all
	Kind        string `yaml:"kind,omitempty"`
	PerGroup    bool   `yaml:"per_group,omitempty"`
	Concurrency int    `yaml:"concurrency,omitempty"`
	Rate        Rate   `yaml:"rate,omitempty"`
	Burst       int    `yaml:"burst,omitempty"`

	Breaker *Breaker `yaml:"breaker,omitempty"`
}

// Breaker is that of a limit as files declare it.
type Breaker struct {
	Rate     float64       `yaml:"rate"`
	Min      int           `yaml:"min,omitempty"`
	Window   time.Duration `yaml:"window"`
	CoolDown time.Duration `yaml:"cool_down"`
	Probes   int           `yaml:"probes,omitempty"`
}

// Declared gives it as programs do.
func (l *Limit) Declared() drayhorse.Limit {
	rate := drayhorse.Rate(l.Rate)
	rate.Burst = l.Burst
	limit := drayhorse.Limit{Name: l.Name, Queue: l.Queue, Kind: l.Kind, PerGroup: l.PerGroup, Concurrency: l.Concurrency, Rate: rate}
	if b := l.Breaker; b != nil {
		limit.Breaker = drayhorse.Breaker{Rate: b.Rate, Min: b.Min, Window: b.Window, CoolDown: b.CoolDown, Probes: b.Probes}
	}
	return limit
}
