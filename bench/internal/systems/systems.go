// Package systems holds an adapter for each job system that is measured. Each does the
// same work: jobs whose arguments are JSON, decoded by a handler that does nothing.
package systems

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/drayhorse/drayhorse/bench/internal/store"
)

// Session is one system on one store, which it finds empty or empties.
type Session interface {
	// EnqueueMany stores the jobs first to first+n-1 in as few round trips as the
	// system can.
	EnqueueMany(ctx context.Context, first, n int) error
	// Enqueue stores one job. It is called by many goroutines.
	Enqueue(ctx context.Context, job int) error
	// Work runs handle for every job until ctx ends.
	Work(ctx context.Context, concurrency int, handle func(job int)) error
	// Bytes is what the store uses for jobs.
	Bytes(ctx context.Context) (float64, error)
	Close()
}

// Remote is a Session of which all but the orders happens in another process.
type Remote interface {
	// EnqueueFrom stores the jobs 0 to n-1 from that many callers, a call for each.
	EnqueueFrom(ctx context.Context, callers, n int) error
	// Probe runs a worker and enqueues that many jobs, one in each pause, and gives
	// the milliseconds from each call to its handler.
	Probe(ctx context.Context, concurrency, probes int) ([]float64, error)
	// CPU is what the other process has used.
	CPU() (float64, error)
}

// Setting is what a Session is opened with.
type Setting struct {
	Place       store.Place
	ArgBytes    int // of a job's arguments
	Concurrency int // of Work, for the size of pools
	Callers     int // of Enqueue, likewise
}

// System is one that is measured.
type System struct {
	Name  string
	About string // its settings, where they are not the defaults
	Store store.Kind
	// Share of the workload's jobs that it gets, near and far from its store: so that
	// slow ones end too. Rates and costs are per job.
	Share, FarShare float64
	DrainsOnly      bool         // it has no producer of its own
	Missing         func() error // why it cannot run here; nil: it can
	Open            func(ctx context.Context, s Setting) (Session, error)
}

// All systems, the product first.
var All = []System{
	{
		Name: "drayhorse", Store: store.Redis, Share: 1, FarShare: 1, Open: openDrayhorse,
		About: "defaults, metrics on",
	},
	{
		Name: "bare", Store: store.Redis, Share: 1, FarShare: 1, Open: openBare, DrainsOnly: true,
		About: "a loop of Drayhorse's own scripts, 100 jobs a round trip on two leases, without a worker: the limit of the design",
	},
	{
		Name: "asynq", Store: store.Redis, Share: 0.2, FarShare: 0.03, Open: openAsynq,
		About: "defaults, but for a pool of connections as large as asked; it has no bulk call: 32 goroutines",
	},
	{
		Name: "brpop", Store: store.Redis, Share: 0.5, FarShare: 0.2, Open: openBRPop,
		About: "the textbook's queue: LPUSH of JSON, BRPOP by each handler; loses the jobs of a worker that dies",
	},
	{
		Name: "blmove", Store: store.Redis, Share: 0.3, FarShare: 0.1, Open: openBLMove,
		About: "the textbook's reliable queue: BLMOVE to a list of what runs, LREM when done; nobody takes jobs back",
	},
	{
		Name: "river", Store: store.Postgres, Share: 0.1, FarShare: 0.03, Open: openRiver,
		About: "FetchCooldown at its least, 1 ms (default 100 ms), a pool of 40 connections; bulk by InsertManyFast",
	},
	{
		Name: "nats", Store: store.NATS, Share: 0.5, FarShare: 0.3, Open: openNATS,
		About: "JetStream: a work-queue stream in memory, in files with everysec; a pull consumer, explicit acks that are not waited for; bulk by PublishAsync",
	},
	{
		Name: "bullmq", Store: store.Redis, Share: 0.2, FarShare: 0.1, Open: openBullMQ, Missing: bullMQMissing,
		About: "in a process of node, removeOnComplete; bulk by addBulk",
	},
}

// Names of all systems.
func Names() []string {
	names := make([]string, len(All))
	for i, s := range All {
		names[i] = s.Name
	}
	return names
}

// Choose finds systems by names with commas between them.
func Choose(list string) ([]System, error) {
	if list == "" {
		return All, nil
	}
	var chosen []System
	for name := range strings.SplitSeq(list, ",") {
		s, err := Find(name)
		if err != nil {
			return nil, err
		}
		chosen = append(chosen, s)
	}
	return chosen, nil
}

// Find finds a system by its name.
func Find(name string) (System, error) {
	for _, s := range All {
		if s.Name == name {
			return s, nil
		}
	}
	return System{}, fmt.Errorf("unknown system %q; want some of %s", name, strings.Join(Names(), ", "))
}

// noop are the arguments of a job.
type noop struct {
	N   int    `json:"n"`
	Pad string `json:"pad"`
}

// Kind names the handler.
func (noop) Kind() string { return "noop" }

// padding fills arguments up to a number of bytes.
func padding(bytes int) string {
	const frame = len(`{"n":123456,"pad":""}`)
	return strings.Repeat("x", max(bytes-frame, 0))
}

// arguments are JSON of about the length that the padding was made for.
func arguments(job int, pad string) json.RawMessage {
	return fmt.Appendf(make([]byte, 0, len(pad)+32), `{"n":%d,"pad":"%s"}`, job, pad)
}
