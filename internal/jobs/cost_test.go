package jobs

import (
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/drayhorse/drayhorse"
	"github.com/drayhorse/drayhorse/internal/redistest"
)

// What a job costs is guarded here by what can be counted exactly: allocations, and
// commands that Redis runs. Who changes these numbers changes what the benchmarks show.

func costEnvelope() *Envelope {
	return &Envelope{Kind: "noop", MaxAttempts: 25, Timeout: 30 * time.Minute, EnqueuedAt: time.Unix(1, 0), Args: []byte(`{"n":1}`)}
}

// costs are steps of one job, or of a batch of 100.
func costs(t testing.TB) map[string]func() {
	const batch = 100
	encoded := string(costEnvelope().Encode())
	finishes := make([]Finish, batch)
	ids, envelopes := "100|4|", make([]any, batch)
	for i := range finishes {
		id := strconv.Itoa(1000 + i)
		finishes[i] = Finish{ID: id, Seq: 1, Outcome: Complete}
		ids += id
		envelopes[i] = encoded
	}
	reply := []any{int64(1), "", int64(0), "1", "0|0|", ids, envelopes}
	news := make([]*NewJob, batch)
	for i := range news {
		news[i] = &NewJob{ID: strconv.Itoa(1000 + i), Envelope: costEnvelope()}
		if err := news[i].encode(nil); err != nil {
			t.Fatal(err)
		}
	}
	counted := slices.Clone(finishes)
	for i := range counted {
		counted[i].Kind, counted[i].Waited, counted[i].Ran = "noop", time.Second, time.Millisecond
	}
	lease := &Lease{Name: "l"}
	turn := &Turn{Lease: lease, Finishes: finishes}
	keys := newWriterKeys(newPartition(New(nil, "cost"), "default", 0), "lane")
	return map[string]func(){
		"encode": func() { costEnvelope().Encode() },
		"decode": func() {
			var e Envelope
			if err := e.Decode(encoded); err != nil {
				t.Fatal(err)
			}
		},
		"push 100":   func() { keys.call(1, news) },
		"finish 100": turn.prepare,
		"count 100":  (&Turn{Lease: lease, Finishes: counted}).prepare,
		"claim 100": func() {
			if _, err := turn.decode(reply); err != nil {
				t.Fatal(err)
			}
		},
		"plan of a plain": func() { _ = news[0].plan() },
	}
}

func TestAllocationsOfSteps(t *testing.T) { //nolint:paralleltest // counts allocations
	want := map[string]float64{
		"encode": 1, "decode": 1, "push 100": 2, "finish 100": 3, "count 100": 6, "claim 100": 4, "plan of a plain": 0,
	}
	for name, step := range costs(t) {
		if got := testing.AllocsPerRun(100, step); got != want[name] {
			t.Errorf("%s: %v allocations, want %v", name, got, want[name])
		}
	}
}

func BenchmarkSteps(b *testing.B) {
	for name, step := range costs(b) {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				step()
			}
		})
	}
}

// TestCommandsOfCalls counts what Redis runs for one call: it must not depend on how
// many jobs the call carries.
func TestCommandsOfCalls(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t)
	r := newRig(t, server.URL+redistest.Patient, 1)
	l := r.newLease()
	r.enqueue(r.newJob(), r.newJob()) // everything is loaded, and all hashes are open
	claims := r.turn(l, 1).Claims
	for _, size := range []int{1, 100} {
		news := make([]*NewJob, size)
		for i := range news {
			news[i] = r.newJob()
		}
		if counts := r.commands(server, func() { r.enqueue(news...) }); counts["evalsha"] != 1 || total(counts) != 6 {
			t.Errorf("push of %d: %v, want 1 script of 6 commands", size, counts)
		}
	}
	for _, size := range []int{1, 100} {
		counts := r.commands(server, func() { claims = r.turn(l, size, complete(claims)...).Claims })
		if counts["evalsha"] != 1 || total(counts) != 17 {
			t.Errorf("turn of %d: %v, want 1 script of 17 commands", size, counts)
		}
	}
	// What is counted adds one look, and one command for each number.
	for _, size := range []int{1, 100} {
		news := make([]*NewJob, size)
		for i := range news {
			news[i] = r.newJob()
		}
		r.enqueue(news...)
		finishes := complete(claims)
		for i := range finishes {
			finishes[i].Kind, finishes[i].Waited, finishes[i].Ran = "test", time.Second, time.Millisecond
		}
		known := r.client.Exists(r.ctx, r.part.key(colMinute)).Val() == 1
		if counts := r.commands(server, func() { claims = r.turn(l, size, finishes...).Claims }); known && total(counts) != 17+1+3 {
			t.Errorf("turn of %d that counts: %v, want 21 commands", size, counts)
		}
	}
}

// TestCommandsOfPriorities: those of another priority cost some more, and how many does not
// matter either.
func TestCommandsOfPriorities(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t)
	r := newRig(t, server.URL+redistest.Patient, 1)
	l := r.newLease()
	r.enqueueRanks()
	claims := r.turn(l, 3).Claims
	for _, size := range []int{10, 100} {
		news := make([]*NewJob, size)
		for i := range news {
			news[i] = r.newJob(priority(drayhorse.High))
		}
		if counts := r.commands(server, func() { r.enqueue(news...) }); total(counts) > 20 {
			t.Errorf("enqueue of %d: %v, want at most 20 commands", size, counts)
		}
		counts := r.commands(server, func() { claims = r.turn(l, size, complete(claims)...).Claims })
		if total(counts) > 40 {
			t.Errorf("turn of %d: %v, want at most 40 commands", size, counts)
		}
	}
}

// TestCommandsOfGroups: one group costs a few more than a priority does, and each other group
// that has its turn one.
func TestCommandsOfGroups(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t)
	r := newRig(t, server.URL+redistest.Patient, 1)
	l := r.newLease()
	r.enqueueGroup("g", 10)
	claims := r.turn(l, 3).Claims
	for _, groups := range []int{1, 100} {
		news := make([]*NewJob, 200)
		for i := range news {
			news[i] = r.newJob(ofGroup("g" + strconv.Itoa(i%groups)))
		}
		if counts := r.commands(server, func() { r.enqueue(news...) }); total(counts) > 20 {
			t.Errorf("enqueue of 200 in %d groups: %v, want at most 20 commands", groups, counts)
		}
		counts := r.commands(server, func() { claims = r.turn(l, 100, complete(claims)...).Claims })
		if most := 60 + groups; total(counts) > most {
			t.Errorf("turn of 100 in %d groups: %v, want at most %d commands", groups, counts, most)
		}
	}
}

// commands counts what Redis runs for a call.
func (r *rig) commands(server *redistest.Server, call func()) map[string]int {
	r.t.Helper()
	r.must(server.Client(r.t).ConfigResetStat(r.ctx).Err())
	call()
	text, err := server.Client(r.t).Info(r.ctx, "commandstats").Result()
	r.must(err)
	counts := map[string]int{}
	for line := range strings.Lines(text) {
		name, rest, ok := strings.Cut(strings.TrimPrefix(line, "cmdstat_"), ":calls=")
		if !ok || strings.HasPrefix(name, "config") || name == "info" || name == "hello" {
			continue
		}
		n, _, _ := strings.Cut(rest, ",")
		counts[name], err = strconv.Atoi(n)
		r.must(err)
	}
	return counts
}

// total is how many commands scripts ran.
func total(counts map[string]int) (n int) {
	for name, c := range counts {
		if name != "evalsha" {
			n += c
		}
	}
	return n
}

func complete(claims []Claim) []Finish {
	finishes := make([]Finish, len(claims))
	for i, c := range claims {
		finishes[i] = Finish{ID: c.ID, Seq: c.Seq, Outcome: Complete}
	}
	return finishes
}
