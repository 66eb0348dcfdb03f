package jobs

import (
	"bufio"
	"crypto/rand"
	"hash/fnv"
	"io"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/google/uuid"
)

// column is one key of a partition.
type column int

// The columns, in the order of docs/architecture.md.
const (
	colJobs      column = iota // hash id -> envelope: every live job
	colReady                   // list of ids: available, next at the right end
	colScheduled               // zset id by due ms: scheduled and retryable
	colRunning                 // hash id -> token
	colLeases                  // zset lease by last renewal; 0: condemned
	colTurns                   // hash lease -> last turn: seq, rejects, claims
	colCounts                  // hash id -> "failed,rescued", if there is any, and what was seen of deaths
	colErrors                  // hash id -> error records
	colSuspects                // list of ids: rescued twice
	colStale                   // hash id -> dead entries of it in ready
	colCancels                 // hash id -> ms: running jobs to be cancelled
	colArchive                 // hash id -> record of an ended job
	colCompleted               // zsets of archive by 10^15 and the ms of the end
	colCancelled
	colDiscarded
	colExpiry  // zset id by expiry ms: all of archive
	colSeen    // zset id by expiry ms: callers' own IDs after their end
	colTicks   // hash schedule -> highest tick ms
	colBell    // list of at most one element
	colMeta    // hash: paused, format, large, parked, joins, partitions, what is declared of kinds and in groups, bytes of each state of archive
	colStats   // hash: totals
	colAnswer  // string: a writer's last call and its answer
	colAction  // hash: how far an action has come, and the live jobs that it has met
	colRoute   // hash id -> lane/seq: parked jobs
	colLanes   // zset lane by number of parked jobs
	colParked  // zset lane/seq/id, in lexical order
	colGates   // zset gate by jobs that run and count there, limit/gate by us of its rate's next start
	colBlocked // zset gate by ms from which it is open, of those at which groups wait
	colLimits  // hash limit -> row, what is paused, and shares of limits
	colUniques
	colReports      // hash letter+id: who waits for jobs, and what is reported of them
	colMinute       // hash kind|code -> what has been counted in the minute that is not over
	colSeries       // hash unit+number -> what was counted in a minute or an hour
	colMinuteGroups // HyperLogLog: groups of which jobs ran in a minute
	colHourGroups   // the same of an hour
)

var columns = []string{
	"jobs", "ready", "scheduled", "running", "leases", "turns", "counts", "errors", "suspects", "stale",
	"cancels", "archive", "completed", "cancelled", "discarded", "expiry", "seen", "ticks", "bell", "meta", "stats",
	"answer", "action", "route", "lanes", "parked", "gates", "blocked", "limits", "uniques",
	"reports", "minute", "series", "minutegroups", "hourgroups",
}

// Partition is one part of a queue. All its keys are in one Cluster slot, so that
// one script can touch any of them.
type Partition struct {
	Queue string
	Index int

	engine *Engine
	of     atomic.Int32 // how many partitions the queue has
	keys   []string     // by column
	sets   [][]string   // the keys that each script declares, by script
}

// newPartition lays out the keys: NAMESPACE:{queue}:column, and for partitions
// after the first NAMESPACE:{queue/N}:column. A slash is not allowed in names.
func newPartition(e *Engine, queue string, index int) *Partition {
	tag := queue
	if index > 0 {
		tag += "/" + strconv.Itoa(index)
	}
	p := &Partition{Queue: queue, Index: index, engine: e, keys: make([]string, len(columns))}
	p.of.Store(int32(index + 1)) //nolint:gosec // at most MaxPartitions
	for i, name := range columns {
		p.keys[i] = e.namespace + ":{" + tag + "}:" + name
	}
	p.sets = make([][]string, len(scripts))
	for i, s := range scripts {
		p.sets[i] = s.KeysOf(p.keys)
	}
	return p
}

// Now is the time to be written down about jobs; see redis.Client.Now.
func (p *Partition) Now() time.Time { return p.engine.client.Now() }

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
	return newID(p.Index, int(p.of.Load()))
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
