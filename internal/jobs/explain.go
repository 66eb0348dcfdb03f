package jobs

import (
	"context"
	"fmt"
	"time"

	"github.com/drayhorse/drayhorse"
)

// maxAhead is how many entries of a line are looked at for a job: Redis does nothing else
// meanwhile, for a fraction of a millisecond.
const maxAhead = 10_000

// Hold is what holds a job up.
type Hold struct {
	Now                     time.Time       // by Redis's clock
	State                   drayhorse.State // "": it does not live
	DueAt                   time.Time       // scheduled and retryable ones
	Paused                  bool            // the partition
	KindPaused              bool            // its kind
	GroupPaused, BothPaused bool            // its group; its kind in its group
	Rest                    time.Time       // until when none of its kind starts, since a handler has asked for that; zero: they may
	Parked                  bool            // set aside until a worker that serves its kind is free
	Suspect                 bool            // two workers died with it, so it waits for one that tries it alone
	Cancelled               bool            // it runs, and was told to end
	Ahead                   int             // jobs in front of it in its line, which are of its priority and group, about; -1: more than were looked at
	Line                    int             // how many there are in it, about
	Above                   int             // jobs of no group in line of a higher priority
	// GroupsAbove is of how many groups there are others of a higher priority; Turns, how many
	// groups take turns with the job's, jobs of no group being one of them.
	GroupsAbove, Turns int
	Shut               []Shut // limits, of all jobs or of its kind, that let none start
}

// Shut is a limit that lets no job start.
type Shut struct {
	Limit string
	Opens time.Time // zero: as soon as a job has ended
	Run   int       // jobs that run and count

	// Breaker is how that of the limit stands, if that is why; else empty.
	Breaker drayhorse.BreakerState
}

// breakerStates are those in which a breaker may let no job start, by the letter in which a row has them.
var breakerStates = map[string]drayhorse.BreakerState{"o": drayhorse.BreakerOpen, "h": drayhorse.BreakerHalfOpen}

// Explain says what holds a job up, by its stored ID.
func (p *Partition) Explain(ctx context.Context, id string) (*Hold, error) {
	value, err := p.run(ctx, explainScript, id, maxAhead)
	if err != nil {
		return nil, err
	}
	reply := asList(value)
	if len(reply) != 17 {
		return nil, fmt.Errorf("explain: unexpected reply %v", value)
	}
	is := func(i int) bool { return asInt(reply[i]) == 1 }
	h := &Hold{
		Now: time.UnixMilli(asInt(reply[0])), State: drayhorse.State(asString(reply[1])), DueAt: asTime(reply[2]),
		Paused: is(3), Parked: is(4), Suspect: is(5), Cancelled: is(6), Ahead: int(asInt(reply[7])), Line: int(asInt(reply[8])),
		KindPaused: is(10), Rest: asTime(reply[11]), Above: int(asInt(reply[12])), GroupsAbove: int(asInt(reply[13])), Turns: int(asInt(reply[14])),
		GroupPaused: is(15), BothPaused: is(16),
	}
	limits := asList(reply[9])
	for i := 0; i+3 < len(limits); i += 4 {
		h.Shut = append(h.Shut, Shut{asString(limits[i]), asTime(limits[i+1]), int(asInt(limits[i+2])), breakerStates[asString(limits[i+3])]})
	}
	return h, nil
}
