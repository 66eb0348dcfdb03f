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
	Enqueue  Event = "enqueue"  // a producer stores it
	Import   Event = "import"   // it comes from another system, with its past
	Promote  Event = "promote"  // its time has come
	Claim    Event = "claim"    // a worker takes it
	Complete Event = "complete" // its handler returned nil
	Fail     Event = "fail"     // its handler failed, with attempts left
	Exhaust  Event = "exhaust"  // its handler failed, with none left, or gave it up
	Snoozing Event = "snooze"   // its handler asked for later
	Release  Event = "release"  // its worker hands it back
	Divert   Event = "divert"   // its worker does not serve its kind
	Rescue   Event = "rescue"   // its worker died
	Poison   Event = "poison"   // its workers died too often
	Abort    Event = "cancel"   // somebody cancelled it
	Retry    Event = "retry"    // an operator brings it back
)

// Transition is one row of the state machine. From is empty for a new job.
type Transition struct {
	From  State
	To    State
	Event Event
}

// Transitions is the whole state machine. The picture in docs/lifecycle.md, the
// words that the scripts store and the model of the randomized test come from
// it.
func Transitions() []Transition {
	return []Transition{
		{"", Scheduled, Enqueue},
		{"", Available, Enqueue},
		{"", Retryable, Import},
		{"", Discarded, Import},
		{Scheduled, Available, Promote},
		{Retryable, Available, Promote},
		{Available, Running, Claim},
		{Running, Completed, Complete},
		{Running, Retryable, Fail},
		{Running, Discarded, Exhaust},
		{Running, Scheduled, Snoozing},
		{Running, Retryable, Snoozing},
		{Running, Available, Release},
		{Running, Available, Divert},
		{Running, Available, Rescue},
		{Running, Discarded, Poison},
		{Running, Cancelled, Abort},
		{Available, Cancelled, Abort},
		{Scheduled, Cancelled, Abort},
		{Retryable, Cancelled, Abort},
		{Completed, Available, Retry},
		{Cancelled, Available, Retry},
		{Discarded, Available, Retry},
		{Scheduled, Available, Retry},
		{Retryable, Available, Retry},
	}
}
