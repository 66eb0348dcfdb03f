package worker

import (
	"github.com/prometheus/client_golang/prometheus"

	"github.com/drayhorse/drayhorse/internal/events"
	"github.com/drayhorse/drayhorse/internal/jobs"
)

// maxFinishBytes is the most that the results and errors of one call to Redis may
// have, of which it takes one job's at least: it keeps Redis from other work for a
// few milliseconds, and a link of 10 MB/s for a tenth of a second.
const maxFinishBytes = 1 << 20

// note is what is to be done about a finish when Redis has accepted it.
type note struct {
	counter prometheus.Counter // is increased; nil: none
	event   *events.Event      // is told; nil: nobody listens
}

// finishes is what became of jobs and no turn has taken along yet.
type finishes struct {
	list  []jobs.Finish
	notes []note // one for each
	large bool   // some have results or errors
}

func (f *finishes) add(finish jobs.Finish, n note) {
	f.list, f.notes = append(f.list, finish), append(f.notes, n)
	f.large = f.large || finish.Size() > 0
}

// cut takes the first ones, as many as a turn may have, and of at most budget bytes but
// for the first. It gives what they have, and leaves the rest.
func (f *finishes) cut(budget int) (cut finishes, bytes int) {
	n := min(len(f.list), jobs.MaxFinishes)
	if f.large {
		for i := range n {
			size := f.list[i].Size()
			if i > 0 && bytes+size > budget {
				n = i
				break
			}
			bytes += size
		}
	}
	if n == len(f.list) {
		cut = *f
		*f = finishes{}
		return cut, bytes
	}
	cut = finishes{list: f.list[:n:n], notes: f.notes[:n:n], large: f.large}
	f.list, f.notes = f.list[n:], f.notes[n:]
	return cut, bytes
}

// emptied gives the room of finishes that were said, to be filled anew.
func (f *finishes) emptied() finishes {
	clear(f.list)
	clear(f.notes)
	return finishes{list: f.list[:0], notes: f.notes[:0]}
}
