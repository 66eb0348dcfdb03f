package cli

import "github.com/drayhorse/drayhorse"

// Limit is a limit as files declare it.
type Limit struct {
	Name        string `yaml:"name"`
	Queue       string `yaml:"queue"`
	Kind        string `yaml:"kind,omitempty"`
	PerGroup    bool   `yaml:"per_group,omitempty"`
	Concurrency int    `yaml:"concurrency,omitempty"`
	Rate        Rate   `yaml:"rate,omitempty"`
	Burst       int    `yaml:"burst,omitempty"`
}

// Declared gives it as programs do.
func (l *Limit) Declared() drayhorse.Limit {
	rate := drayhorse.Rate(l.Rate)
	rate.Burst = l.Burst
	return drayhorse.Limit{Name: l.Name, Queue: l.Queue, Kind: l.Kind, PerGroup: l.PerGroup, Concurrency: l.Concurrency, Rate: rate}
}
