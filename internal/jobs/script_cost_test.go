package jobs

import (
	"regexp"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/drayhorse/drayhorse/internal/redis"
	"github.com/drayhorse/drayhorse/internal/redistest"
)

// BenchmarkScripts measures how long Redis is busy with one call of 100 jobs, plain ones that count
// or not and members of a batch, by its own account: what it does nothing else in. It is for comparing two forms of a
// script on one machine.
func BenchmarkScripts(b *testing.B) {
	b.Run("plain", func(b *testing.B) { benchmarkScripts(b, "", false) })
	b.Run("counted", func(b *testing.B) { benchmarkScripts(b, "", true) })
	b.Run("members", func(b *testing.B) { benchmarkScripts(b, Link("import-42", time.Unix(1, 0)), false) })
}

func benchmarkScripts(b *testing.B, link string, counts bool) {
	b.Helper()
	const batch = 100
	server := redistest.Start(b)
	client, err := redis.Open(redis.Config{URL: server.URL})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = client.Close() })
	partitions, err := New(client, "cost").Queue(b.Context(), "q")
	if err != nil {
		b.Fatal(err)
	}
	p := partitions[0]
	r := &rig{Engine: p.engine, ctx: b.Context(), parts: partitions, part: p, writer: NewWriter(p)}
	defer r.writer.Close()
	busy := func() (us float64) {
		text, err := server.Client(b).Info(b.Context(), "commandstats").Result()
		if err != nil {
			b.Fatal(err)
		}
		if m := regexp.MustCompile(`cmdstat_evalsha:calls=\d+,usec=(\d+)`).FindStringSubmatch(text); m != nil {
			us, _ = strconv.ParseFloat(m[1], 64)
		}
		return us
	}
	var push, turn []float64
	l := NewLease(p, "l")
	var claims []Claim
	for n := 0; b.Loop(); n++ {
		news := make([]*NewJob, batch)
		for i := range news {
			news[i] = &NewJob{Envelope: costEnvelope()}
			news[i].Envelope.Link = link
		}
		begun := busy()
		if _, err := r.writer.Enqueue(b.Context(), news...); err != nil {
			b.Fatal(err)
		}
		pushed := busy()
		finishes := complete(claims)
		for i := range finishes {
			if counts { // as of short jobs of a long line
				finishes[i].Kind, finishes[i].Waited, finishes[i].Ran = "noop", time.Minute, time.Duration(i%4)*10*time.Microsecond
			}
		}
		reply := r.RunTurns(b.Context(), &Turn{Lease: l, Want: batch, Suspect: true, Finishes: finishes})[0]
		if reply.Err != nil {
			b.Fatal(reply.Err)
		}
		if claims = reply.Claims; len(claims) != batch {
			b.Fatalf("%d claims, want %d", len(claims), batch)
		}
		push, turn = append(push, pushed-begun), append(turn, busy()-pushed)
	}
	median := func(of []float64) float64 { // what else the machine does, makes some longer
		slices.Sort(of)
		return of[len(of)/2]
	}
	b.ReportMetric(median(push), "us/push")
	b.ReportMetric(median(turn), "us/turn")
}
