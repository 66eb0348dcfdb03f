package jobs

import (
	"bufio"
	"crypto/rand"
	"fmt"
	"hash/fnv"
	"io"
	"slices"
	"strconv"
	"sync"

	"github.com/google/uuid"
)

// column is one key of a partition.
type column int

// The columns, in the order of docs/architecture.md. The last six are laid out for
// flow control and what needs it.
const (
	colJobs      column = iota // hash id -> envelope: every live job
	colReady                   // list of ids: available, next at the right end
	colScheduled               // zset id by due ms: scheduled and retryable
	colRunning                 // hash id -> token
	colLeases                  // zset lease by last renewal; 0: condemned
	colTurns                   // hash lease -> last turn: seq, rejects, claims
	colCounts                  // hash id -> "failed,rescued", if there is any
	colErrors                  // hash id -> error records
	colSuspects                // list of ids: rescued twice
	colStale                   // hash id -> dead entries of it in ready
	colCancels                 // hash id -> ms: running jobs to be cancelled
	colArchive                 // hash id -> record of an ended job
	colCompleted               // zsets of archive by expiry ms
	colCancelled
	colDiscarded
	colSeen   // zset id by expiry ms: callers' own IDs after their end
	colTicks  // hash schedule -> highest tick ms
	colBell   // list of at most one element
	colMeta   // hash: paused, format, large, parked
	colStats  // hash: totals
	colAnswer // string: a producer lane's last call and its answer
	colRoute  // hash id -> lane/seq: parked jobs
	colLanes  // zset lane by number of parked jobs
	colParked // zset lane/seq/id, in lexical order
	colGates
	colLimits
	colUniques
)

var columns = []string{
	"jobs", "ready", "scheduled", "running", "leases", "turns", "counts", "errors", "suspects", "stale",
	"cancels", "archive", "completed", "cancelled", "discarded", "seen", "ticks", "bell", "meta", "stats",
	"answer", "route", "lanes", "parked", "gates", "limits", "uniques",
}

func columnOf(name string) column {
	i := slices.Index(columns, name)
	if i < 0 {
		panic(fmt.Sprintf("jobs: a script names the key %q, which is no column", name))
	}
	return column(i)
}

// Partition is one part of a queue. All its keys are in one Cluster slot, so that
// one script can touch any of them.
type Partition struct {
	Queue string
	Index int

	engine *Engine
	keys   []string   // by column
	sets   [][]string // the keys that each script declares, by script
}

// newPartition lays out the keys: NAMESPACE:{queue}:column, and for partitions
// after the first NAMESPACE:{queue/N}:column. A slash is not allowed in names.
func newPartition(e *Engine, queue string, index int) *Partition {
	tag := queue
	if index > 0 {
		tag += "/" + strconv.Itoa(index)
	}
	p := &Partition{Queue: queue, Index: index, engine: e, keys: make([]string, len(columns))}
	for i, name := range columns {
		p.keys[i] = e.namespace + ":{" + tag + "}:" + name
	}
	p.sets = make([][]string, len(scripts))
	for i, s := range scripts {
		for _, c := range s.columns {
			p.sets[i] = append(p.sets[i], p.keys[c])
		}
	}
	return p
}

func (p *Partition) key(c column) string { return p.keys[c] }

// String names the partition for logs.
func (p *Partition) String() string {
	if p.Index == 0 {
		return p.Queue
	}
	return p.Queue + "/" + strconv.Itoa(p.Index)
}

// partitionOf says in which of n partitions a job is, by its stored ID.
func partitionOf(stored string, n int) int {
	if n == 1 {
		return 0
	}
	h := fnv.New32a()
	_, _ = h.Write([]byte(stored))
	return int(h.Sum32() % uint32(n)) //nolint:gosec // n is small and positive
}

// PartitionOf gives the partition of a queue where a job is, by its stored ID.
func PartitionOf(partitions []*Partition, stored string) *Partition {
	return partitions[partitionOf(stored, len(partitions))]
}

// NewID makes the stored ID of a job that belongs in the partition.
func NewID(p *Partition) (string, error) {
	partitions, _ := p.engine.known(p.Queue)
	return newID(p.Index, len(partitions))
}

// PackID gives the form in which an ID is stored: the 16 bytes of a UUID in its
// usual text form, any other text as it is. The two cannot be mistaken for each
// other: names are ASCII, and the ninth byte of a UUID never is.
func PackID(id string) string {
	if len(id) == 36 {
		if u, err := uuid.Parse(id); err == nil && u[8]&0xc0 == 0x80 && u.String() == id {
			return string(u[:])
		}
	}
	return id
}

// UnpackID gives the ID that users see.
func UnpackID(stored string) string {
	if len(stored) == 16 && stored[8]&0xc0 == 0x80 {
		return uuid.UUID([]byte(stored)).String()
	}
	return stored
}

// randomness has readers of random bytes that ask the system for many at once: most of
// what an ID costs otherwise.
var randomness = sync.Pool{New: func() any { return bufio.NewReader(rand.Reader) }}

// newID makes an ID that belongs in partition index of n, as stored. The IDs are
// UUIDs of version 7, so that they sort by the time they were made.
func newID(index, n int) (string, error) {
	random, _ := randomness.Get().(io.Reader)
	defer randomness.Put(random)
	for {
		u, err := uuid.NewV7FromReader(random)
		if err != nil {
			return "", err
		}
		if id := string(u[:]); partitionOf(id, n) == index {
			return id, nil
		}
	}
}
