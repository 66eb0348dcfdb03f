package jobs

import (
	"maps"
	"slices"
	"strings"

	"pgregory.net/rapid"
)

// kind is that of a job as it is now: one that keeps the last may become of another one.
func (j *modelJob) kind() string {
	e, err := DecodeEnvelope(j.envelope)
	if err != nil {
		panic(err)
	}
	return e.Kind
}

// lane gives the jobs of a lane, next first.
func (m *model) lane(name string) []*modelJob {
	return slices.DeleteFunc(m.parked(), func(j *modelJob) bool { return !strings.HasPrefix(j.slot, name+"/") })
}

// held is how many jobs are aside of kinds that something is declared of.
func (m *model) held() int {
	n := 0
	for kind := range m.kinds {
		n += len(m.lane(kind))
	}
	return n
}

// asides are what goes aside in one turn.
type asides struct {
	of    map[string][]*modelJob
	order []string
}

// bars says whether a job may not start yet as far as its kind goes; then it goes aside. One
// that is in line does not overtake those of its kind that are aside.
func (m *model) bars(a *asides, j *modelJob, lined bool) bool {
	kind := j.kind()
	paused, declared := m.kinds[kind]
	if !declared || !paused && (!lined || len(a.of[kind]) == 0 && len(m.lane(kind)) == 0) {
		return false
	}
	if a.of == nil {
		a.of = map[string][]*modelJob{}
	}
	if a.of[kind] == nil {
		a.order = append(a.order, kind)
	}
	a.of[kind] = append(a.of[kind], j)
	return true
}

// flush puts into their lanes what goes aside.
func (m *model) flush(a *asides) {
	for _, kind := range a.order {
		for _, j := range a.of[kind] {
			m.setAside(j, kind)
		}
	}
}

// declare forgets the kinds of which there is nothing to be known any more.
func (m *model) declare() {
	maps.DeleteFunc(m.kinds, func(kind string, paused bool) bool { return !paused && len(m.lane(kind)) == 0 })
}

// noteKinds is what a turn notes of kinds at its end.
func (m *model) noteKinds() {
	m.barred = nil
	for _, kind := range slices.Sorted(maps.Keys(m.kinds)) {
		if m.kinds[kind] && len(m.lane(kind)) > 0 {
			m.barred = append(m.barred, kind)
		}
	}
	m.declare()
}

// open gives the lanes that somebody is told of.
func (m *model) open() []string {
	var all []string
	for _, j := range m.parked() {
		lane, _, _ := strings.Cut(j.slot, "/")
		if !slices.Contains(all, lane) && !slices.Contains(m.barred, lane) {
			all = append(all, lane)
		}
	}
	return all
}

func (m *model) pauseKind(kind string, on bool) {
	m.kinds[kind] = on
	m.declare()
	m.barred = nil
	if !on && len(m.ready)+len(m.scheduled())+len(m.suspects)+len(m.parked()) > 0 {
		m.ring()
	}
}

// pauseKind is what an operator does.
func (w *world) pauseKind(t *rapid.T) {
	kind := rapid.SampledFrom(modelKinds).Draw(t, "kind")
	on := rapid.Bool().Draw(t, "on")
	var err error
	if on {
		err = w.p.Pause(w.ctx, Pause{Kind: kind, By: "ann", Why: "why"})
	} else {
		err = w.p.Resume(w.ctx, kind)
	}
	if err != nil {
		t.Fatal(err)
	}
	w.model.pauseKind(kind, on)
}

// resumeKinds is what an operator does in the end.
func (w *world) resumeKinds(t *rapid.T) {
	for kind, paused := range w.model.kinds {
		if !paused {
			continue
		}
		if err := w.p.Resume(w.ctx, kind); err != nil {
			t.Fatal(err)
		}
		w.model.pauseKind(kind, false)
	}
}

// compareLanes: a turn names the lanes whose jobs may start.
func (w *world) compareLanes(t *rapid.T, got []string) {
	got, want := slices.Sorted(slices.Values(got)), slices.Sorted(slices.Values(w.model.open()))
	if !slices.Equal(got, want) {
		t.Fatalf("lanes %q, want %q", got, want)
	}
}
