package worker

import "sync/atomic"

// permit allows a worker one trial of suspects at a time: what a worker holds in its
// trial when it dies is suspected next, and must not be mixed with what another holds.
type permit struct{ taken atomic.Bool }

// tryTake takes the permit if nobody has it.
func (p *permit) tryTake() bool { return p.taken.CompareAndSwap(false, true) }

// release gives it back.
func (p *permit) release() { p.taken.Store(false) }

// isFree reports whether tryTake would succeed.
func (p *permit) isFree() bool { return !p.taken.Load() }
