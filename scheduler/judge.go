package scheduler

import (
	"github.com/drayhorse/drayhorse/internal/schedules"
)

// verdict says what happens to a tick that is on its way to a queue.
type verdict int

const (
	send    verdict = iota
	replace         // cancel the last job, then send
	skip            // drop it
	wait            // until the last job has ended
	stay            // where it is
)

// judge applies the overlap policy to a tick. It comes from box; waiting is how
// many ticks of its schedule wait already, and running whether the last job has not
// ended.
func judge(d *schedules.Declaration, box schedules.Box, waiting int, running bool) verdict {
	lined := box == schedules.Outbox && waiting > 0
	switch {
	case lined && (!running || d.Overlap != schedules.OverlapQueue):
		return stay // what waits is sent first
	case !running || d.Overlap == schedules.OverlapAllow:
		return send
	case d.Overlap == schedules.OverlapReplace:
		return replace
	case d.Overlap == schedules.OverlapSkip:
		return skip
	case box == schedules.Waiting:
		return stay
	case waiting < room(d):
		return wait
	default:
		return skip
	}
}

// room is how many ticks of a schedule may wait.
func room(d *schedules.Declaration) int {
	switch {
	case d.CatchUp != schedules.CatchUpAll:
		return 1
	case d.CatchUpMax == 0:
		return schedules.MaxCatchUp
	default:
		return d.CatchUpMax
	}
}
