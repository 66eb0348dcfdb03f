package registry

import "time"

const (
	// Every is how often a worker announces itself.
	Every = 5 * time.Second
	// Expiry is how long a worker is listed after it was last heard of.
	Expiry = 15 * time.Second

	// MaxNames is how many queues, and how many kinds, a worker names: an
	// announcement must stay small.
	MaxNames = 100
	// MaxJobs is how many jobs it names.
	MaxJobs = 20
)

// State says whether a worker claims jobs.
type State string

// The states of a worker.
const (
	Working  State = "working"  // it claims and runs jobs
	Quiet    State = "quiet"    // it was told to claim no more
	Stopping State = "stopping" // it waits for its last jobs to end
)

// Worker is what a worker says of itself.
type Worker struct {
	ID        string    `json:"id"` // as in the log
	Host      string    `json:"host"`
	PID       int       `json:"pid"`
	Version   string    `json:"version"` // of this module
	State     State     `json:"state"`
	StartedAt time.Time `json:"started_at"`
	SeenAt    time.Time `json:"seen_at,omitzero"` // when it was last heard of, by Redis's clock

	// Queues are its queues with their weights: the heaviest MaxNames, of QueueCount.
	Queues     map[string]int `json:"queues"`
	QueueCount int            `json:"queue_count"`
	// Kinds are the kinds that it serves, in order: the first MaxNames, of KindCount.
	// With AnyKind it serves all others as well.
	Kinds     []string `json:"kinds"`
	KindCount int      `json:"kind_count"`
	AnyKind   bool     `json:"any_kind"`

	Concurrency int `json:"concurrency"` // how many jobs it runs at once
	Running     int `json:"running"`     // jobs that it holds
	Stuck       int `json:"stuck"`       // of these, handlers that go on although their context ended
	// Jobs are those that run longest, at most MaxJobs.
	Jobs []Job `json:"jobs"`
}

// Job is a job that a worker runs.
type Job struct {
	ID      string    `json:"id"`
	Kind    string    `json:"kind"`
	Queue   string    `json:"queue"`
	Attempt int       `json:"attempt"` // 1 for the first
	Since   time.Time `json:"since"`   // by the worker's clock
}
