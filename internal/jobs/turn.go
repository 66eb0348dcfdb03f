package jobs

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/drayhorse/drayhorse"
	"github.com/drayhorse/drayhorse/internal/redis"
)

// Limits of one turn: with 250 finishes and 250 claims it keeps Redis from other
// work for about a millisecond.
const (
	MaxClaims     = 250
	MaxFinishes   = 250
	maxClaimBytes = 1 << 20
)

// MaxLanes is how many lanes of parked jobs a turn or a look names. Where there are more,
// each names others.
const MaxLanes = 100

// Lease is a worker's promise to be alive, for one partition and one fetch loop.
// What it claims is its own while it is renewed. A name is used once.
//
// The turns of a lease are made one after another by one goroutine; Beat may be
// called beside them.
type Lease struct {
	Partition *Partition
	Name      string

	seq       uint64
	epoch     int64 // given when the lease joined; 0: Redis does not know it
	uncounted sums  // of a turn that had a finish refused, those of the others
}

// NewLease makes a lease that joins with its first claim. The name must never have
// been used before.
func NewLease(p *Partition, name string) *Lease { return &Lease{Partition: p, Name: name} }

// Joined reports whether Redis knows the lease.
func (l *Lease) Joined() bool { return l.epoch > 0 }

// Claim is a worker's hold on a running job.
type Claim struct {
	ID       string // as stored; see UnpackID
	Seq      uint64 // the turn that claimed it
	Envelope string
	Failed   int // attempts that failed
	Rescued  int
}

// Suspect reports whether two workers have died with the job.
func (c *Claim) Suspect() bool { return c.Rescued >= suspectRescues }

// suspectRescues is SUSPECT of the prelude.
const suspectRescues = 2

// Finish says what became of a claim.
type Finish struct {
	ID      string
	Seq     uint64
	Outcome Outcome
	Delay   time.Duration           // of Fail, Snooze and Limit
	Sleep   *Sleep                  // of Snooze, instead of the delay; nil: no step of the job sleeps
	Result  []byte                  // of an end
	Error   *drayhorse.AttemptError // of a failure or an end
	Lane    string                  // of Divert and Limit: the kind
	Keep    bool                    // of Complete: the archive or seen is to know of it
	Linked  bool                    // the job is a member of a batch
	Reports []*Report               // that were not written yet, in their order

	// Kind is what the job counts as; empty: its attempt does not count. Waited is how long it
	// waited for its first attempt, and Ran how long that took; negative: not known.
	Kind        string
	Waited, Ran time.Duration
}

// Sleep is what a job sleeps for whose steps say so: until then, by Redis' clock, or until one of
// the signals is there.
type Sleep struct {
	Until   time.Time
	Signals []string
}

// detail gives it as turn.lua wants it; "" for none.
func (s *Sleep) detail() string {
	if s == nil {
		return ""
	}
	detail := strconv.FormatInt(s.Until.UnixMilli(), 10) + ";"
	for _, name := range s.Signals {
		detail += name + ";"
	}
	return detail
}

// Outcome is how a claim ends, a word that turn.lua knows.
type Outcome string

// The outcomes.
const (
	Complete = Outcome(drayhorse.EventComplete)
	Fail     = Outcome(drayhorse.EventFail)
	Exhaust  = Outcome(drayhorse.EventExhaust)
	Cancel   = Outcome(drayhorse.EventCancel)
	Snooze   = Outcome(drayhorse.EventSnooze)
	Limit    = Outcome(drayhorse.EventLimit)
	Release  = Outcome(drayhorse.EventRelease)
	Divert   = Outcome(drayhorse.EventDivert)
)

// Turn is one call on a lease. It may be run again until it is answered: a repeat
// does nothing more and gets the same answer.
type Turn struct {
	Lease *Lease
	Want  int // jobs to claim, at most MaxClaims
	Bytes int // that the claims may have in all, but for the first; 0: 1 MiB
	// Suspect is whether one of them may be a suspect, among other jobs: it is
	// discarded if the worker dies. Workers make trials instead, which tell apart
	// what this does not.
	Suspect bool
	// Trial claims suspects alone, half of those that are together in it, at most Want.
	// The lease must be a new one, and be for this alone: what it holds when its worker
	// dies is what is suspected next. A process makes one trial at a time.
	Trial    bool
	Lanes    []string // kinds to claim from their lanes first
	Finishes []Finish // at most MaxFinishes

	seq     uint64
	args    []any
	before  sums // that the turns before have not told
	reports bool // some of the jobs that it finishes have reports
}

// Forgo gives up what a turn that got no answer wanted to claim: made again, it
// answers with what it had claimed already, or claims nothing.
func (t *Turn) Forgo() {
	t.Want = 0
	if t.args != nil {
		t.args[wantArg] = 0
	}
}

// Turned is the answer to a turn.
type Turned struct {
	Now      time.Time // by Redis's clock
	NextDue  time.Time // of the scheduled job that is due next; zero: there is none
	Left     int       // that are still in line
	Rejected []string  // finishes refused, by stored ID: somebody else has the job
	// Discarded are the jobs that it would have claimed and has discarded instead, by
	// stored ID: they were not started in time, or their envelopes are missing. The answer
	// to a repeat does not have them.
	Discarded []string
	Claims    []Claim
	Cancels   []string // stored IDs of running jobs that are to be cancelled
	Lanes     []string // kinds for which jobs are set aside, at most MaxLanes
	Suspects  int      // that wait for a trial

	epoch int64 // of the lease; 0: it has not joined
}

// TurnReply is what a turn came to. The error is drayhorse.ErrLeaseLost when
// nothing was done because the lease is condemned.
type TurnReply struct {
	*Turned
	Err error
}

// RunTurns runs turns on different leases, in one round trip where Redis allows
// it. Each answers or fails by itself. A turn that failed for any other reason
// than ErrLeaseLost must be run again before any other on its lease.
func (e *Engine) RunTurns(ctx context.Context, turns ...*Turn) []TurnReply {
	replies, _ := e.RunTurnsAndLook(ctx, turns, nil)
	return replies
}

// RunTurnsAndLook runs turns and, in the same round trip, asks other partitions how
// many jobs could be claimed there; -1 if one did not answer.
func (e *Engine) RunTurnsAndLook(ctx context.Context, turns []*Turn, others []*Partition) ([]TurnReply, []int) {
	calls := callTurns(turns)
	if hasReports(turns) && !e.writeReports(ctx, turns) {
		return withoutReports(turns), noLengths(others)
	}
	for _, p := range others {
		calls = append(calls, lengthScript.call(p))
	}
	answers := e.client.RunAll(ctx, calls)
	replies := decodeTurns(turns, answers)
	lengths := make([]int, len(others))
	for i := range others {
		lengths[i] = -1
		if answer := answers[len(turns)+i]; answer.Err == nil {
			lengths[i] = int(asInt(answer.Value))
		}
	}
	return replies, lengths
}

// withoutReports is the answer to turns that were not made, since what was reported of the
// jobs that they finish could not be written before.
func withoutReports(turns []*Turn) []TurnReply {
	replies := make([]TurnReply, len(turns))
	for i := range replies {
		replies[i].Err = fmt.Errorf("report: %w", drayhorse.ErrUnavailable)
	}
	return replies
}

func noLengths(others []*Partition) []int {
	lengths := make([]int, len(others))
	for i := range lengths {
		lengths[i] = -1
	}
	return lengths
}

// callTurns gives the calls of turns, whose lay-out it makes once.
func callTurns(turns []*Turn) []redis.Call {
	calls := make([]redis.Call, len(turns))
	for i, t := range turns {
		if t.args == nil {
			t.prepare()
		}
		calls[i] = turnScript.call(t.Lease.Partition, t.args...)
	}
	return calls
}

func decodeTurns(turns []*Turn, answers []redis.Reply) []TurnReply {
	replies := make([]TurnReply, len(turns))
	for i, t := range turns {
		if replies[i].Err = failure("turn", answers[i].Err); replies[i].Err == nil {
			replies[i].Turned, replies[i].Err = t.decode(answers[i].Value)
		}
	}
	return replies
}

// prepare takes the lease's next number and lays the call out once, so that every
// repeat is the same.
func (t *Turn) prepare() {
	t.Lease.seq++
	t.seq = t.Lease.seq
	suspect := 0
	switch {
	case t.Trial:
		suspect = 2
	case t.Suspect:
		suspect = 1
	}
	slices.SortStableFunc(t.Finishes, func(a, b Finish) int { return cmp.Compare(a.Seq, b.Seq) })
	plain, others := make([]any, 0, len(t.Finishes)), 0
	groups := make([]claimed, 0, 8)
	var other []any
	for i := range t.Finishes {
		f := &t.Finishes[i]
		t.reports = t.reports || len(f.Reports) > 0
		if !f.isPlain() {
			other = append(other, f.args()...)
			others++
			continue
		}
		if n := len(groups); n == 0 || groups[n-1].seq != f.Seq {
			groups = append(groups, claimed{seq: f.Seq})
		}
		groups[len(groups)-1].n++
		plain = append(plain, &f.ID) // a pointer saves a copy
	}
	t.before, t.Lease.uncounted = t.Lease.uncounted, nil
	counts := t.before.clone().add(t.Finishes)
	t.args = make([]any, 0, 11+len(t.Lanes)+len(plain)+2*len(groups)+len(other)+counts.size())
	t.args = append(t.args, t.Lease.Name, t.seq, t.Lease.epoch, min(t.Want, MaxClaims), t.bytes(), suspect,
		len(t.Lanes), len(plain), len(groups), others, len(counts))
	for _, lane := range t.Lanes {
		t.args = append(t.args, lane)
	}
	t.args = append(t.args, plain...)
	for _, g := range groups {
		t.args = append(t.args, g.seq, g.n)
	}
	t.args = append(t.args, other...)
	t.args = counts.append(t.args)
}

// bytes is how many the claims may have, as an argument: the usual number takes no
// allocation.
func (t *Turn) bytes() any {
	if t.Bytes > 0 {
		return t.Bytes
	}
	return maxClaimBytes
}

// wantArg is where a turn's arguments say how many jobs it wants.
const wantArg = 3

// claimed is how many of a turn's plain finishes were claimed by one turn.
type claimed struct {
	seq uint64
	n   int
}

// Size is about how many bytes the result and the error of the job have.
func (f *Finish) Size() int {
	size := len(f.Result)
	if f.Error != nil {
		size += min(len(f.Error.Message), maxMessage) + min(len(f.Error.Stack), maxStack)
	}
	for _, r := range f.Reports {
		size += r.Size()
	}
	return size
}

// isPlain reports whether the job completed and leaves nothing behind.
func (f *Finish) isPlain() bool { return f.Outcome == Complete && !f.Keep }

func (f *Finish) args() []any {
	detail, record := string(f.Result), ""
	switch f.Outcome {
	case Divert, Limit:
		detail = f.Lane
	case Snooze:
		detail = f.Sleep.detail()
	}
	if f.Error != nil {
		record = encodeError(*f.Error)
	}
	return []any{f.ID, f.Seq, string(f.Outcome), f.Delay.Milliseconds(), detail, record}
}

// decode reads the reply of turn.lua.
func (t *Turn) decode(value any) (*Turned, error) {
	reply, _ := value.([]any)
	var discarded []string
	if n := len(reply); n == 8 || n == 12 {
		var ok bool
		if discarded, ok = unpack(asString(reply[n-1])); !ok {
			return nil, fmt.Errorf("turn: unexpected ids %q", reply[n-1])
		}
		reply = reply[:n-1]
	}
	if len(reply) != 7 && len(reply) != 11 {
		return nil, fmt.Errorf("turn: unexpected reply %v", value)
	}
	var odd [4]any // counts, cancels, lanes, suspects: none where all jobs are plain
	copy(odd[:], reply[7:])
	rejects, ok1 := unpack(asString(reply[4]))
	ids, ok2 := unpack(asString(reply[5]))
	if !ok1 || !ok2 {
		return nil, fmt.Errorf("turn: unexpected ids %q and %q", reply[4], reply[5])
	}
	envelopes, counts := asList(reply[6]), asList(odd[0])
	if len(envelopes) != len(ids) {
		return nil, fmt.Errorf("turn: %d envelopes for %d claims", len(envelopes), len(ids))
	}
	out := &Turned{
		Now: time.UnixMilli(asInt(reply[0])), NextDue: asTime(reply[1]), Left: int(asInt(reply[2])),
		Rejected: rejects, Discarded: discarded, Cancels: asStrings(odd[1]), Lanes: asStrings(odd[2]), Suspects: int(asInt(odd[3])),
		Claims: make([]Claim, len(ids)),
	}
	for i := range ids {
		c := Claim{ID: ids[i], Seq: t.seq, Envelope: asString(envelopes[i])}
		if len(counts) > i {
			c.Failed, c.Rescued = tally(asString(counts[i]))
		}
		out.Claims[i] = c
	}
	out.epoch = asInt(reply[3])
	if t.Lease.epoch == 0 { // written once, since beats read it beside the turns
		t.Lease.epoch = out.epoch
	}
	if len(rejects) > 0 {
		t.Lease.uncounted = t.accepted(rejects)
	}
	return out, nil
}

// tally reads "failed,rescued", behind which scripts note more after a "|".
func tally(s string) (failed, rescued int) {
	s, _, _ = strings.Cut(s, "|")
	for i := range len(s) {
		if s[i] == ',' {
			failed, _ = strconv.Atoi(s[:i])
			rescued, _ = strconv.Atoi(s[i+1:])
			return failed, rescued
		}
	}
	return 0, 0
}
