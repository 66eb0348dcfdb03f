package jobs

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/drayhorse/drayhorse"
	"github.com/drayhorse/drayhorse/internal/redis"
)

// maxAwait is how many jobs one call asks about. maxAwaitBytes is how many of their
// envelopes it may answer with; a job whose envelope has no room is told about without.
const (
	maxAwait      = 100
	maxAwaitBytes = 1 << 20
)

// asked is a job that a process asks about: what await.lua says of it goes into the answer.
type asked struct {
	id       string // as stored
	number   uint64 // by which the process knows it
	envelope bool   // wanted
}

// standing is where a job stands that is waited for.
type standing struct {
	live     bool
	told     bool   // the process will hear of the job
	envelope string // of one that is live; "" where there was no room
	kept     bool   // it has ended, and is in the archive
	ended    *ending
	seen     drayhorse.State // how it has ended, of one of which nothing else is left
}

// ending is how a job ended that kept nothing.
type ending struct {
	kept   bool // it did
	event  drayhorse.Event
	at     time.Time
	failed int // attempts
}

// await has a process told over a channel how jobs of a partition end, for as long as ttl
// says, and gives where they stand. ttl 0: it waits for them no more.
func (p *Partition) await(channel string, ttl time.Duration, reports bool, some []asked) redis.Call {
	what, bytes := "e", 0
	if reports {
		what = "r"
	}
	if slices.ContainsFunc(some, func(a asked) bool { return a.envelope }) {
		bytes = maxAwaitBytes
	}
	args := make([]any, 0, 4+2*len(some))
	args = append(args, channel, ttl.Milliseconds(), what, bytes)
	for _, a := range some {
		args = append(args, a.id, a.number)
	}
	return awaitScript.call(p, args...)
}

// decodeStandings reads the reply of await.lua about n jobs.
func decodeStandings(reply redis.Reply, n int) ([]standing, error) {
	if err := failure("wait", reply.Err); err != nil {
		return nil, err
	}
	values := asList(reply.Value)
	if len(values) != n {
		return nil, fmt.Errorf("wait: %d answers for %d jobs", len(values), n)
	}
	all := make([]standing, n)
	for i, value := range values {
		fields := asList(value)
		if len(fields) == 0 {
			return nil, fmt.Errorf("wait: unexpected reply %v", value)
		}
		switch s := &all[i]; {
		case fields[0] == "live" && len(fields) == 3:
			s.live, s.told, s.envelope = true, asInt(fields[1]) == 1, asString(fields[2])
		case fields[0] == "ended":
			s.kept = true
		case fields[0] == "over" && len(fields) == 4:
			s.ended = &ending{event: drayhorse.Event(asString(fields[1])), at: asTime(fields[2]), failed: int(asInt(fields[3]))}
		case fields[0] == "seen" && len(fields) == 2:
			s.seen = drayhorse.State(asString(fields[1]))
		}
	}
	return all, nil
}

// decodeNews reads what a script tells of a job: its number, and how it ended; nil if it
// has not, and something was reported of it.
func decodeNews(text string) (n uint64, end *ending, ok bool) {
	id, rest, ok := number(text, '|')
	if !ok {
		return 0, nil, false
	}
	if rest == "report" {
		return uint64(id), nil, true //nolint:gosec // number gives no negative ones
	}
	kept, rest, ok1 := strings.Cut(rest, "|")
	event, rest, ok2 := strings.Cut(rest, "|")
	at, rest, ok3 := number(rest, '|')
	failed, _, ok4 := number(rest+"|", '|')
	if !ok1 || !ok2 || !ok3 || !ok4 {
		return 0, nil, false
	}
	end = &ending{kept: kept == "1", event: drayhorse.Event(event), at: time.UnixMilli(at), failed: int(failed)}
	return uint64(id), end, true //nolint:gosec // as above
}

// endings are the events after which a job has ended, with the state that it is in then: what
// the table says, and what a script does with a job whose envelope is missing.
var endings = func() map[drayhorse.Event]drayhorse.State {
	all := map[drayhorse.Event]drayhorse.State{"quarantine": drayhorse.Discarded}
	for _, row := range drayhorse.Transitions() {
		if row.To.Ended() {
			all[row.Event] = row.To
		}
	}
	return all
}()

// infoOf says how a job ended of which nothing is kept but its ending, and its envelope, if
// that was seen.
func (p *Partition) infoOf(id, envelope string, end *ending) *drayhorse.Info {
	info := &drayhorse.Info{ID: UnpackID(id), Queue: p.Queue, State: endings[end.event], FinishedAt: end.at, Attempt: end.failed + 1}
	if envelope != "" {
		describe(info, envelope)
	}
	return info
}

// channelOf is the name of a process's channel.
func (e *Engine) channelOf(name string) string { return e.namespace + ":wake:" + name }

// maxAwaitCalls is how many calls go in one round trip.
const maxAwaitCalls = 50

// awaitAll makes calls about jobs, many in one round trip.
func (e *Engine) awaitAll(ctx context.Context, calls []redis.Call) []redis.Reply {
	replies := make([]redis.Reply, 0, len(calls))
	for some := range slices.Chunk(calls, maxAwaitCalls) {
		replies = append(replies, e.client.RunAll(ctx, some)...)
	}
	return replies
}
