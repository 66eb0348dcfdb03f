package drayhorse

// State is where a job is in its life.
type State string

// The states. Each says who moves a job out of it.
const (
	// Scheduled: waits for its time. A worker's turn promotes it.
	Scheduled State = "scheduled"
	// Available: waits for a worker, which claims it in a turn.
	Available State = "available"
	// Running: claimed under a lease. The worker that holds it finishes it; if
	// that worker dies, any other rescues it.
	Running State = "running"
	// Retryable: failed and waits for its next attempt. A worker's turn promotes
	// it.
	Retryable State = "retryable"
	// Completed: its handler returned nil. Retention removes it.
	Completed State = "completed"
	// Cancelled: ended by a cancel. Retention removes it, an operator's retry
	// brings it back.
	Cancelled State = "cancelled"
	// Discarded: out of attempts, or given up: the dead letters. Retention
	// removes it, an operator's retry brings it back.
	Discarded State = "discarded"
)

// Ended reports whether nothing will happen to a job in this state by itself.
func (s State) Ended() bool {
	return s == Completed || s == Cancelled || s == Discarded
}

// States lists all states in the order of a job's life.
func States() []State {
	return []State{Scheduled, Available, Running, Retryable, Completed, Cancelled, Discarded}
}

// Event is what moves a job from one state to another.
type Event string

// The events.
const (
	EventEnqueue  Event = "enqueue"  // a producer stores it
	EventImport   Event = "import"   // it comes from another system, with its past
	EventPromote  Event = "promote"  // its time has come
	EventClaim    Event = "claim"    // a worker takes it
	EventComplete Event = "complete" // its handler returned nil
	EventFail     Event = "fail"     // its handler failed, with attempts left
	EventExhaust  Event = "exhaust"  // its handler failed, with none left, or gave it up
	EventSnooze   Event = "snooze"   // its handler asked for later
	EventLimit    Event = "limit"    // its handler met a rate limit
	EventRelease  Event = "release"  // its worker hands it back
	EventDivert   Event = "divert"   // its worker does not serve its kind
	EventRescue   Event = "rescue"   // its worker died
	EventPoison   Event = "poison"   // its workers died too often
	EventLapse    Event = "lapse"    // it was not started in time
	EventCancel   Event = "cancel"   // somebody cancelled it
	EventRetry    Event = "retry"    // an operator brings it back
	EventDelete   Event = "delete"   // an operator removes it
	EventExpire   Event = "expire"   // its time in the archive is over
	EventTrim     Event = "trim"     // the archive is full, and it is the oldest
	EventReplace  Event = "replace"  // a new job has its ID
)

// Transition is one row of the state machine. From is empty for a new job, To for one
// that is gone.
type Transition struct {
	From  State
	To    State
	Event Event
}

// Transitions is the whole state machine. The picture in docs/lifecycle.md is drawn
// from it, and the randomized test of the engine goes by each of its rows and by no
// other.
func Transitions() []Transition {
	return []Transition{
		{"", Scheduled, EventEnqueue},
		{"", Available, EventEnqueue},
		{"", Scheduled, EventImport},
		{"", Available, EventImport},
		{"", Retryable, EventImport},
		{"", Discarded, EventImport},
		{Scheduled, Available, EventPromote},
		{Retryable, Available, EventPromote},
		{Available, Running, EventClaim},
		{Running, Completed, EventComplete},
		{Running, Retryable, EventFail},
		{Running, Discarded, EventExhaust},
		{Running, Scheduled, EventSnooze},
		{Running, Retryable, EventSnooze},
		{Running, Available, EventLimit},
		{Running, Available, EventRelease},
		{Running, Available, EventDivert},
		{Running, Available, EventRescue},
		{Running, Discarded, EventPoison},
		{Scheduled, Discarded, EventLapse},
		{Available, Discarded, EventLapse},
		{Running, Cancelled, EventCancel},
		{Available, Cancelled, EventCancel},
		{Scheduled, Cancelled, EventCancel},
		{Retryable, Cancelled, EventCancel},
		{Completed, Available, EventRetry},
		{Cancelled, Available, EventRetry},
		{Discarded, Available, EventRetry},
		{Scheduled, Available, EventRetry},
		{Retryable, Available, EventRetry},
		{Available, "", EventDelete},
		{Scheduled, "", EventDelete},
		{Retryable, "", EventDelete},
		{Completed, "", EventDelete},
		{Cancelled, "", EventDelete},
		{Discarded, "", EventDelete},
		{Completed, "", EventExpire},
		{Cancelled, "", EventExpire},
		{Discarded, "", EventExpire},
		{Completed, "", EventTrim},
		{Cancelled, "", EventTrim},
		{Discarded, "", EventTrim},
		{Completed, "", EventReplace},
		{Cancelled, "", EventReplace},
		{Discarded, "", EventReplace},
	}
}
