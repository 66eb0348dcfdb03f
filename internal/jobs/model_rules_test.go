package jobs

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"github.com/drayhorse/drayhorse"
)

// model is what a partition must hold: the rules of the engine in plain Go,
// without a thought of how Redis stores it.
type model struct {
	paused, large, bell bool
	depth               int // live jobs that there may be; 0: any number
	limit               modelLimit
	kinds               map[string]*modelKind // that something is declared of
	barred              []modelBarred         // kinds whose lanes nobody is told of
	ranked              bool                  // there have been jobs that stand apart
	seats               map[modelSeat]int     // of groups that take turns: their numbers
	seated              int                   // how many numbers were given
	gates               *modelGates
	picks               int // by priority, modulo 512

	jobs  map[string]*modelJob // live
	ended map[string]*modelJob // archived
	seen  map[string]int64     // expiry by id; 0 stands for a time that is not known yet
	ticks map[string]int64
	keys  map[string]string // of unique jobs: who has it

	ready    []string // next first, dead entries included
	dead     map[string]int
	suspects []string
	slots    int // handed out to parked jobs

	steps map[drayhorse.Transition]bool // that jobs have taken

	leases  map[string]*modelLease
	joins   int64
	answers map[string]modelAnswer // by lane
	totals  map[string]int
	counts  map[string]int // of what ended, by "kind|code"
}

// modelLimit is what limits the starts of jobs.
type modelLimit struct {
	most, every, burst int64         // every in us; 0: no bound
	on                 int64         // us at which the next start would be on time
	breaker            *modelBreaker // nil: there is none
	shut, since        int64         // ms until which none may start, and when that was noted; 0: they may
}

func (l *modelLimit) next(now int64) int64 {
	return min(max(l.on, now*1000), now*1000+l.burst*l.every)
}

// allowance is how many jobs may start where so many run, and from when on if none may.
func (l *modelLimit) allowance(running int, now int64) (left, opens int64) {
	left = 1000
	if l.most > 0 {
		if left = max(l.most-int64(running), 0); left == 0 {
			opens = startFar
		}
	}
	if l.every > 0 {
		next := l.next(now)
		starts := (now*1000 + l.burst*l.every - next) / l.every
		if starts == 0 {
			opens = max(opens, (next+l.every-l.burst*l.every+999)/1000)
		}
		left = min(left, starts)
	}
	if l.breaker != nil {
		may, till := l.breaker.room(now)
		if may == 0 {
			opens = max(opens, till)
		}
		left = min(left, may)
	}
	return left, opens
}

// started notes that n jobs have started.
func (l *modelLimit) started(n int, now int64) {
	if l.every > 0 && n > 0 {
		l.on = l.next(now) + int64(n)*l.every
	}
}

// allowance is how many jobs may start, and from when on if none may.
func (m *model) allowance(now int64) (left, opens int64) {
	l := &m.limit
	left, opens = l.allowance(len(m.sorted(inRunning, func(_, _ *modelJob) int { return 0 })), now)
	if all := m.kinds["*"]; (l.most > 0 || l.every > 0 || l.breaker != nil) && all.closed(now) {
		left, opens = 0, max(opens, all.till)
	}
	return left, opens
}

// start notes that jobs have started, and until when no other may.
func (m *model) start(ids []string, now int64) {
	l := &m.limit
	l.started(len(ids), now)
	l.breaker.started(ids, now)
	l.shut = 0
	if left, opens := m.allowance(now); left == 0 {
		l.shut, l.since = opens, now
	}
}

// closed says whether no job may start.
func (m *model) closed(now int64) bool { return m.paused || m.limit.isShut(now) }

func (l *modelLimit) isShut(now int64) bool {
	return l.since <= now && l.shut > now && (l.shut < startFar || now < l.since+5000)
}

// nextStart is when the next job may start, in ms; 0: none waits for a time.
func (m *model) nextStart(now int64) int64 {
	due := int64(0)
	if first := m.scheduled(); len(first) > 0 {
		due = first[0].due
	}
	shut := m.limit.shut
	if m.limit.isShut(now) && shut < startFar && m.waits() && (due == 0 || shut < due) {
		due = shut
	}
	for _, b := range m.barred {
		if isClosed(b.till, b.since, now) && b.till < startFar && (due == 0 || b.till < due) {
			due = b.till
		}
	}
	for _, opens := range m.gates.opens {
		if opens > now && opens < startFar && (due == 0 || opens < due) {
			due = opens
		}
	}
	return due
}

type modelJob struct {
	id, envelope string
	own          bool
	key          string // it is unique by; empty: nothing
	untilStarted bool
	retain       time.Duration
	place        place
	due          int64
	startBy      int64  // when it must have started; 0: it need not, or has
	token        string // while it runs
	slot         string // while it is parked
	failed       int
	rescued      int
	blame        modelBlame
	errors       int
	cancel       bool
	state        drayhorse.State // empty: it is not there
	endedAt      int64           // 0 stands for a time that is not known yet
	size         int             // of its record, once it has ended
}

// modelBlame is what was seen of the workers that died with a job.
type modelBlame struct {
	times           []int64
	alone, others   int
	narrowed, tried bool
	trial           int // how many are in the trial in which it runs
	lease           string
}

// together is the trial that the job was in when its worker died; empty: it was not in
// one.
func (j *modelJob) together() string {
	if j.blame.tried {
		return j.blame.lease
	}
	return ""
}

// clear is what a handler that returned does for its job.
func (j *modelJob) clear() { j.rescued, j.blame = 0, modelBlame{} }

// accuse notes that a worker died that held the job, and says whether that is enough.
func (j *modelJob) accuse(lease string, others int, whole bool, now int64) bool {
	b := &j.blame
	b.times = slices.DeleteFunc(slices.Clone(b.times), func(t int64) bool { return t <= now-3*modelDay })
	if len(b.times) == 0 {
		b.alone, b.others, b.narrowed = 0, 0, false
	}
	singly := b.trial == 0 && len(b.times) >= suspectRescues
	alone := b.trial == 1 || (whole && others == 0)
	b.times, b.lease, b.others = append(b.times, now), lease, b.others+others
	if alone {
		b.alone++
	} else if b.trial > 0 {
		b.narrowed = true
	}
	guilty := singly || (b.trial > 0 && alone && (b.narrowed || b.alone >= 3))
	b.tried, b.trial, j.rescued = b.trial > 0, 0, len(b.times)
	return guilty
}

type place int

const (
	inReady place = iota
	inScheduled
	inRunning
	inSuspects
	inParked
)

type modelLease struct {
	condemned       bool
	epoch           int64
	seq             uint64
	rejects, claims []string
}

type modelAnswer struct {
	seq  uint64
	said []modelSaid
}

type modelSaid struct {
	duplicate, rejected bool
	other               string
	full                int // how many there may be, if there is no room
}

// refuse says whether there is no room for another job.
func (m *model) refuse(said *modelSaid) bool {
	if m.depth == 0 || len(m.jobs) < m.depth {
		return false
	}
	said.full = m.depth
	m.totals["refused"]++
	return true
}

// late says whether the time is over in which a job that waits must have started.
func (j *modelJob) late(now int64) bool {
	return j.place != inRunning && j.startBy != 0 && j.startBy <= now
}

// renew gives a job that waits the time to start of another one.
func (j *modelJob) renew(by *NewJob, now int64) {
	if j.failed > 0 {
		return
	}
	j.startBy = 0
	if within := by.Envelope.StartWithin; within > 0 {
		from := now
		if j.place == inScheduled {
			from = max(from, j.due)
		}
		j.startBy = from + within.Milliseconds()
	}
}

// lapse discards a job that was not started in time.
func (m *model) lapse(j *modelJob, now int64) {
	j.errors = min(j.errors+1, 25)
	m.totals["expired"]++
	m.end(j, drayhorse.EventLapse, drayhorse.Discarded, now)
}

// free is what the start or the end of a job does to its key.
func (m *model) free(j *modelJob) {
	if m.keys[j.key] == j.id {
		delete(m.keys, j.key)
	}
}

// settle says what becomes of a unique job; it takes the key where that is free.
func (m *model) settle(j *NewJob, now int64) (said modelSaid, moved bool) {
	if other := m.jobs[m.keys[j.Envelope.UniqueKey]]; other != nil {
		conflict := j.Unique.Conflict
		if other.late(now) && conflict != drayhorse.Postpone {
			conflict = drayhorse.KeepLast
		}
		switch conflict {
		case drayhorse.KeepFirst:
			return modelSaid{duplicate: true, other: other.id}, false
		case drayhorse.Reject:
			return modelSaid{duplicate: true, rejected: true, other: other.id}, false
		case drayhorse.KeepLast, drayhorse.Postpone:
			if other.place == inRunning {
				break
			}
			before := other.priority()
			other.envelope = string(j.encoded)
			other.retain, other.untilStarted = j.Envelope.Retain, j.Envelope.UntilStarted
			ranked := m.rank(other, before)
			defer func() { other.renew(j, now) }()
			if moved = j.Unique.Conflict == drayhorse.Postpone && other.place == inScheduled && other.failed == 0; moved {
				first, due := m.firstDue(), other.due
				other.due = now + j.In.Milliseconds()
				moved = first == other.id && due != other.due || first != m.firstDue()
			}
			return modelSaid{duplicate: true, other: other.id}, moved || ranked
		}
	}
	if m.refuse(&said) {
		return said, false
	}
	m.keys[j.Envelope.UniqueKey] = j.ID
	return modelSaid{}, false
}

const (
	modelDay   = int64(24 * time.Hour / time.Millisecond)
	modelMonth = 30 * modelDay
)

func newModel() *model {
	return &model{
		gates: newModelGates(), kinds: map[string]*modelKind{}, seats: map[modelSeat]int{}, jobs: map[string]*modelJob{}, ended: map[string]*modelJob{}, seen: map[string]int64{}, ticks: map[string]int64{}, keys: map[string]string{},
		dead: map[string]int{}, leases: map[string]*modelLease{}, steps: map[drayhorse.Transition]bool{}, answers: map[string]modelAnswer{}, totals: map[string]int{}, counts: map[string]int{},
	}
}

// move is a step of a job. Each is to be a row of drayhorse.Transitions.
func (m *model) move(j *modelJob, event drayhorse.Event, to drayhorse.State) {
	m.steps[drayhorse.Transition{From: j.state, To: to, Event: event}] = true
	j.state = to
}

// waits is the state of a job that waits for its time.
func (j *modelJob) waits() drayhorse.State {
	if j.failed > 0 {
		return drayhorse.Retryable
	}
	return drayhorse.Scheduled
}

func (m *model) ring() {
	if !m.paused {
		m.bell = true
	}
}

// enqueue gives the answers that are right, or errStale.
func (m *model) enqueue(writer string, seq uint64, jobs []*NewJob, now int64) ([]modelSaid, error) {
	if last := m.answers[writer]; seq == last.seq {
		return last.said, nil
	} else if seq < last.seq {
		return nil, errStale
	}
	said := make([]modelSaid, len(jobs))
	first, rings := m.firstDue(), false
	empty := map[bool]bool{false: len(m.ready) == 0, true: len(m.lane(rankedLane)) == 0} // by whether it stands apart
	for i, j := range jobs {
		m.large = m.large || len(j.encoded) > largeEnvelope // also if it is not stored
		if said[i].duplicate = m.known(j, now); said[i].duplicate {
			continue
		}
		if j.Unique != nil {
			var moved bool
			said[i], moved = m.settle(j, now)
			rings = rings || moved
			if said[i].duplicate || said[i].full > 0 {
				continue
			}
		} else if (j.Past == nil || !j.Past.Discarded) && m.refuse(&said[i]) {
			continue
		}
		if before := m.ended[j.ID]; before != nil {
			m.gone(before, drayhorse.EventReplace)
		}
		job := &modelJob{id: j.ID, envelope: string(j.encoded), own: j.Envelope.OwnID, retain: j.Envelope.Retain,
			key: j.Envelope.UniqueKey, untilStarted: j.Envelope.UntilStarted}
		m.jobs[j.ID] = job
		m.ranked = m.ranked || job.apart()
		m.totals["enqueued"]++
		if j.Guarded {
			m.ticks[j.Envelope.Schedule] = j.Envelope.Tick.UnixMilli()
		}
		event := drayhorse.EventEnqueue
		if past := j.Past; past != nil {
			event, job.failed = drayhorse.EventImport, past.Failed
			if past.LastError != nil {
				job.errors = 1
			}
		}
		switch {
		case j.Past != nil && j.Past.Discarded:
			m.end(job, event, drayhorse.Discarded, now)
		case j.In > 0:
			job.place, job.due = inScheduled, now+j.In.Milliseconds()
			m.move(job, event, job.waits())
		default:
			rings = rings || empty[job.apart()]
			m.move(job, event, drayhorse.Available)
			met := m.putInLine(job, false)
			rings = rings || met && m.gates.noted
		}
		if within := j.Envelope.StartWithin; within > 0 && !job.state.Ended() {
			job.startBy = max(now, job.due) + within.Milliseconds()
		}
	}
	if rings || m.firstDue() != first {
		m.ring()
	}
	m.answers[writer] = modelAnswer{seq, said}
	return said, nil
}

func (m *model) known(j *NewJob, now int64) bool {
	if j.Guarded && m.ticks[j.Envelope.Schedule] >= j.Envelope.Tick.UnixMilli() {
		return true
	}
	return j.Envelope.OwnID && (m.jobs[j.ID] != nil || (!j.Replace && m.seen[j.ID] > now))
}

// scheduled gives the scheduled jobs, next first.
func (m *model) scheduled() []*modelJob {
	return m.sorted(inScheduled, func(a, b *modelJob) int {
		return cmp.Or(cmp.Compare(a.due, b.due), strings.Compare(a.id, b.id))
	})
}

func (m *model) parked() []*modelJob {
	return m.sorted(inParked, func(a, b *modelJob) int { return strings.Compare(a.slot, b.slot) })
}

func (m *model) sorted(where place, order func(a, b *modelJob) int) []*modelJob {
	var list []*modelJob
	for _, j := range m.jobs {
		if j.place == where {
			list = append(list, j)
		}
	}
	slices.SortFunc(list, order)
	return list
}

func (m *model) firstDue() string {
	if list := m.scheduled(); len(list) > 0 {
		return list[0].id
	}
	return ""
}

// available puts a job in line, in front or at the end.
func (m *model) available(j *modelJob, event drayhorse.Event, front bool) {
	m.move(j, event, drayhorse.Available)
	if j.rescued < suspectRescues {
		m.putInLine(j, front)
		return
	}
	j.place = inSuspects
	if front {
		m.suspects = slices.Insert(m.suspects, 0, j.id)
	} else {
		m.suspects = append(m.suspects, j.id)
	}
}

// end is the end of a job that is in no index any more.
func (m *model) end(j *modelJob, event drayhorse.Event, state drayhorse.State, now int64) {
	m.move(j, event, state)
	m.free(j)
	j.startBy = 0
	delete(m.jobs, j.id)
	if j.kept() > 0 {
		j.endedAt, j.cancel = now, false
		m.ended[j.id] = j
	}
	m.remember(j, now)
	m.totals[string(state)]++
	if event != drayhorse.EventImport {
		m.counts[j.kind()+"|"+map[drayhorse.State]string{drayhorse.Completed: "c", drayhorse.Discarded: "d", drayhorse.Cancelled: "x"}[state]]++
	}
}

// kept is for how many ms an ended job is.
func (j *modelJob) kept() int64 {
	if j.state == drayhorse.Completed {
		return j.retain.Milliseconds()
	}
	return max(j.retain.Milliseconds(), modelMonth)
}

// remember keeps an ID of a caller's own taken for a day.
func (m *model) remember(j *modelJob, now int64) {
	switch {
	case !j.own:
	case now == 0:
		m.seen[j.id] = 0
	default:
		m.seen[j.id] = now + modelDay
	}
}

// leave takes a waiting job out of its index.
func (m *model) leave(j *modelJob) {
	switch j.place {
	case inReady:
		m.dead[j.id]++
	case inSuspects:
		m.suspects = without(m.suspects, j.id)
	case inParked:
		m.vacate(j)
	case inScheduled, inRunning:
	}
}

func without(list []string, id string) []string {
	i := slices.Index(list, id)
	return slices.Delete(slices.Clone(list), i, i+1)
}
