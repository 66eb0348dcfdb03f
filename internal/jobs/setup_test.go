package jobs

import (
	"context"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/drayhorse/drayhorse/internal/embedded/embeddedtest"
	"github.com/drayhorse/drayhorse/internal/redis"
	"github.com/drayhorse/drayhorse/internal/redistest"
)

func TestMain(m *testing.M) { redistest.Main(m) }

// rig is an engine on one kind of server, with one queue.
type rig struct {
	*Engine
	t       *testing.T
	ctx     context.Context
	parts   []*Partition
	part    *Partition // one of parts
	writer  *Writer
	damaged bool // on purpose, so that the end is not checked
}

var leaseNumber atomic.Int64

// conform runs a test on every kind of server that the engine supports, and
// checks what it leaves behind.
func conform(t *testing.T, test func(r *rig)) {
	t.Helper()
	t.Parallel()
	kinds := []struct {
		name       string
		url        func(t *testing.T) string
		partitions int
	}{
		{"single", sharedURL, 1},
		{"partitioned", sharedURL, 3},
		{"cluster", sharedClusterURL, 3},
		{"embedded", embeddedURL, 1},
	}
	for _, k := range kinds {
		t.Run(k.name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t, k.url(t), k.partitions)
			test(r)
			r.checkSound()
		})
	}
}

func sharedURL(t *testing.T) string {
	t.Helper()
	return redistest.Shared(t)
}

func sharedClusterURL(t *testing.T) string {
	t.Helper()
	return redistest.SharedCluster(t)
}

func embeddedURL(t *testing.T) string {
	t.Helper()
	return embeddedtest.URL(t)
}

func open(t *testing.T, url string) *redis.Client {
	t.Helper()
	client, err := redis.Open(redis.Config{URL: url})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = client.Close() })
	return client
}

func newRig(t *testing.T, url string, partitions int) *rig {
	t.Helper()
	r := newRigOfOutages(t, url, partitions)
	r.writer.Patience = time.Minute
	return r
}

// newRigOfOutages is one that waits no longer for Redis than it does in use.
func newRigOfOutages(t *testing.T, url string, partitions int) *rig {
	t.Helper()
	e := New(open(t, url), redistest.Namespace(t))
	all, err := e.CreateQueue(t.Context(), "q", partitions)
	if err != nil {
		t.Fatal(err)
	}
	part := all[partitions/2]
	r := &rig{Engine: e, t: t, ctx: t.Context(), parts: all, part: part, writer: NewWriter(part)}
	t.Cleanup(r.writer.Close)
	return r
}

// another is a second engine on the same data, over the given URL.
func (r *rig) another(url string) *rig {
	r.t.Helper()
	o := &rig{Engine: New(open(r.t, url), r.namespace), t: r.t, ctx: r.ctx}
	var err error
	if o.parts, err = o.Queue(r.ctx, "q"); err != nil {
		r.t.Fatal(err)
	}
	o.part = o.parts[r.part.Index]
	o.writer = NewWriter(o.part)
	r.t.Cleanup(o.writer.Close)
	return o
}

// checkSound checks the invariants on what the test left.
func (r *rig) checkSound() {
	r.t.Helper()
	if r.damaged || r.t.Failed() {
		return
	}
	for _, p := range r.parts {
		for _, fault := range readRaw(r.ctx, r.t, p).unsound() {
			r.t.Errorf("%v: %s", p, fault)
		}
	}
}

// newJob is a plain job that is due at once.
func (r *rig) newJob(change ...func(*NewJob)) *NewJob {
	r.t.Helper()
	id, err := newID(r.part.Index, len(r.parts))
	if err != nil {
		r.t.Fatal(err)
	}
	j := &NewJob{ID: id, Envelope: &Envelope{
		Kind: "test", MaxAttempts: 25, Timeout: time.Minute, EnqueuedAt: time.Now(), Args: []byte(`{"n":1}`),
	}}
	for _, c := range change {
		c(j)
	}
	return j
}

func ownID(id string) func(*NewJob) {
	return func(j *NewJob) { j.ID, j.Envelope.OwnID = PackID(id), true }
}

func replacing(j *NewJob) { j.Replace = true }

func sized(bytes int) func(*NewJob) {
	return func(j *NewJob) { j.Envelope.Args = []byte(strings.Repeat("x", bytes)) }
}

func kind(name string) func(*NewJob) { return func(j *NewJob) { j.Envelope.Kind = name } }

func in(d time.Duration) func(*NewJob) { return func(j *NewJob) { j.In = d } }

func retained(j *NewJob) { j.Envelope.Retain = time.Hour }

// enqueue stores jobs and gives their stored IDs.
func (r *rig) enqueue(jobs ...*NewJob) []string {
	r.t.Helper()
	if _, err := r.writer.Enqueue(r.ctx, jobs...); err != nil {
		r.t.Fatal(err)
	}
	ids := make([]string, len(jobs))
	for i, j := range jobs {
		ids[i] = j.ID
	}
	return ids
}

func (r *rig) newLease() *Lease {
	return NewLease(r.part, "lease"+strconv.FormatInt(leaseNumber.Add(1), 10))
}

// turn runs one turn that must succeed.
func (r *rig) turn(l *Lease, want int, finishes ...Finish) *Turned {
	r.t.Helper()
	reply := r.RunTurns(r.ctx, &Turn{Lease: l, Want: want, Suspect: true, Finishes: finishes})[0]
	if reply.Err != nil {
		r.t.Fatal(reply.Err)
	}
	return reply.Turned
}

func (c *Claim) finish(outcome Outcome, change ...func(*Finish)) Finish {
	f := Finish{ID: c.ID, Seq: c.Seq, Outcome: outcome, Keep: true}
	for _, ch := range change {
		ch(&f)
	}
	return f
}

func (r *rig) summary() *Summary {
	r.t.Helper()
	s, err := r.part.Summary(r.ctx)
	if err != nil {
		r.t.Fatal(err)
	}
	return s
}
