// Package peers measures the systems side by side: each measure is interleaved over
// all of them, so that what disturbs the machine disturbs all alike.
package peers

import (
	"context"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/drayhorse/drayhorse/bench/internal/measure"
	"github.com/drayhorse/drayhorse/bench/internal/report"
	"github.com/drayhorse/drayhorse/bench/internal/store"
	"github.com/drayhorse/drayhorse/bench/internal/systems"
)

// Plan is what is to be measured.
type Plan struct {
	Systems    []systems.System
	Measures   []string
	Conditions []string
	Jobs       int
	ArgBytes   int
	Probes     int
	Repeats    int    // in memory; elsewhere about half of it
	Latency    int    // repeats of latency, which takes as long for fast systems as for slow ones
	ProfileOf  string // system/measure whose CPU profile is written to Profile
	Profile    string
	Progress   io.Writer
}

// roundTrip is what the proxy adds.
const roundTrip = time.Millisecond

// cellTime is how long one measure of one system may take.
const cellTime = 3 * time.Minute

// Run carries the plan out. What cannot be measured is named in the outcome.
func Run(ctx context.Context, plan Plan) (*report.Peers, error) {
	if err := plan.checkProfile(); err != nil {
		return nil, err
	}
	p := &report.Peers{
		Jobs: plan.Jobs, ArgBytes: plan.ArgBytes, Probes: plan.Probes,
		Repeats: map[string]int{}, Failed: map[string]string{},
	}
	for _, s := range plan.Systems {
		note := report.SystemNote{Name: s.Name, About: s.About, Store: string(s.Store), Version: systems.Version(s.Name)}
		if s.Missing != nil {
			if err := s.Missing(); err != nil {
				note.NotRun = err.Error()
			}
		}
		p.Systems = append(p.Systems, note)
	}
	for _, condition := range plan.Conditions {
		if err := plan.under(ctx, condition, p); err != nil {
			return p, err
		}
	}
	return p, nil
}

// under measures under one condition.
func (plan *Plan) under(ctx context.Context, condition string, p *report.Peers) error {
	places := plan.places(ctx, condition, p)
	defer places.stop()
	repeats := plan.Repeats
	if condition != report.Near {
		repeats = (repeats + 1) / 2
	}
	p.Repeats[condition] = repeats
	for _, name := range plan.Measures {
		times := repeats
		if name == "latency" {
			times = min(times, plan.Latency)
			if condition != report.Near {
				times = 1
			}
		}
		for round := range times {
			for i, s := range plan.Systems {
				if p.Systems[i].NotRun != "" || !measure.Fits(name, s) {
					continue
				}
				_, _ = fmt.Fprintf(plan.Progress, "%s, %s %d/%d: %s\n", condition, name, round+1, times, s.Name)
				if err := plan.cell(ctx, condition, name, s, places.of[s.Store], p); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// checkProfile reports a profile that no measure of the plan would write.
func (plan *Plan) checkProfile() error {
	if plan.ProfileOf == "" {
		return nil
	}
	for _, s := range plan.Systems {
		for _, name := range plan.Measures {
			if plan.profiles(s, name) {
				return nil
			}
		}
	}
	return fmt.Errorf("no profile of %q; want SYSTEM/MEASURE, such as drayhorse/cycle, of what is measured", plan.ProfileOf)
}

// profiles reports whether a measure of a system is the one whose profile is written.
func (plan *Plan) profiles(s systems.System, measure string) bool {
	return plan.ProfileOf == s.Name+"/"+measure
}

// cell takes one measure of one system once. Its failure is noted and ends nothing;
// the error is that of ctx.
func (plan *Plan) cell(ctx context.Context, condition, name string, s systems.System, at store.Place, p *report.Peers) error {
	share := s.Share
	if condition == report.Far {
		share = s.FarShare
	}
	request := measure.Request{
		System: s.Name, Measure: name, Place: at, ArgBytes: plan.ArgBytes, Probes: plan.Probes,
		Jobs: max(int(float64(plan.Jobs)*share), min(plan.Jobs, 500)),
	}
	if plan.profiles(s, name) {
		request.Profile = plan.Profile
	}
	limited, cancel := context.WithTimeout(ctx, cellTime)
	defer cancel()
	figures, err := measure.In(limited, request)
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if err != nil {
		p.Failed[condition+", "+name+", "+s.Name] = err.Error()
		_, _ = fmt.Fprintf(plan.Progress, "  failed: %v\n", err)
	}
	for _, f := range figures {
		p.Samples = append(p.Samples, report.Sample{Condition: condition, Name: f.Name, Unit: f.Unit, System: s.Name, Value: f.Value})
	}
	return nil
}

// places are the stores of one condition.
type places struct {
	of     map[store.Kind]store.Place
	stores []*store.Store
}

func (p *places) stop() {
	for _, s := range p.stores {
		s.Stop()
	}
}

// places starts the stores that the systems need. Without its store a system is not
// run.
func (plan *Plan) places(ctx context.Context, condition string, p *report.Peers) *places {
	on := &places{of: map[store.Kind]store.Place{}}
	for _, kind := range []store.Kind{store.Redis, store.Postgres, store.NATS} {
		if !slices.ContainsFunc(plan.Systems, func(s systems.System) bool { return s.Store == kind }) {
			continue
		}
		version, err := on.start(ctx, kind, condition)
		for i, s := range plan.Systems {
			switch {
			case s.Store != kind:
			case err != nil:
				p.Systems[i].NotRun = err.Error()
			default:
				p.Systems[i].Store = version
			}
		}
	}
	return on
}

func (p *places) start(ctx context.Context, kind store.Kind, condition string) (version string, err error) {
	s, err := store.Start(ctx, kind, condition == report.Durable)
	if err != nil {
		return "", err
	}
	p.stores = append(p.stores, s)
	p.of[kind] = s.Place
	if condition == report.Far {
		p.of[kind], err = s.Far(ctx, roundTrip)
	}
	return s.Version, err
}
