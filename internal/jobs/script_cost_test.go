package jobs

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/drayhorse/drayhorse"
	"github.com/drayhorse/drayhorse/internal/redis"
	"github.com/drayhorse/drayhorse/internal/redistest"
)

// BenchmarkScripts measures how long Redis is busy with one call of 100 jobs, by its own account:
// what it does nothing else in. They are plain ones that count or not, members of a batch, each
// unique, each in one of 1,000 groups. It is for comparing two forms of a script on one machine.
func BenchmarkScripts(b *testing.B) {
	n := 0
	for name, change := range map[string]func(j *NewJob){
		"plain":   func(*NewJob) {},
		"counted": func(*NewJob) {},
		"members": func(j *NewJob) { j.Envelope.Link = Link("import-42", time.Unix(1, 0)) },
		"unique": func(j *NewJob) {
			n++
			if err := j.SetUnique(&drayhorse.UniqueBy{Key: strconv.Itoa(n)}); err != nil {
				b.Fatal(err)
			}
		},
		"grouped": func(j *NewJob) {
			n++
			j.Envelope.Group = strconv.Itoa(n % 1000)
		},
	} {
		b.Run(name, func(b *testing.B) { benchmarkScripts(b, change, name == "counted") })
	}
}

// BenchmarkLimitsOfGroups measures the same of turns of 100 jobs that finish and claim as many, of 20,000 in 1,000
// groups: without a limit, with those that do not bind, and with one that lets one of each group run.
func BenchmarkLimitsOfGroups(b *testing.B) {
	server := redistest.Start(b)
	client, err := redis.Open(redis.Config{URL: server.URL})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = client.Close() })
	busy := func() float64 { return busyWithScripts(b, server) }
	for n, c := range []struct {
		name   string
		groups int
		limit  *drayhorse.Limit
	}{
		{"of none", 0, nil},
		{"no limit", 1000, nil},
		{"one that does not bind", 1000, &drayhorse.Limit{Concurrency: 1000}},
		{"one that binds", 50, &drayhorse.Limit{Concurrency: 1}},
		{"a rate that does not bind", 1000, &drayhorse.Limit{Rate: drayhorse.Rate{Jobs: 1000, Per: time.Second, Burst: 1000}}},
		{"of a kind in each", 1000, &drayhorse.Limit{Kind: "noop", Concurrency: 1000}},
	} {
		b.Run(c.name, func(b *testing.B) {
			partitions, err := New(client, fmt.Sprint("cost", n)).Queue(b.Context(), "q")
			if err != nil {
				b.Fatal(err)
			}
			p := partitions[0]
			r := &rig{Engine: p.engine, ctx: b.Context(), parts: partitions, part: p, writer: NewWriter(p)}
			defer r.writer.Close()
			if c.limit != nil {
				limit := *c.limit
				limit.Name, limit.Queue, limit.PerGroup = "l", p.Queue, true
				if _, err := r.SetLimit(b.Context(), &limit, true, "", ""); err != nil {
					b.Fatal(err)
				}
			}
			const all, batch = 20_000, 500
			var claimed, us, enqueued float64
			for b.Loop() {
				begun := busy()
				for i := 0; i < all; i += batch {
					news := make([]*NewJob, batch)
					for k := range news {
						news[k] = &NewJob{Envelope: costEnvelope()}
						if c.groups > 0 {
							news[k].Envelope.Group = fmt.Sprint("g", (i+k)%c.groups)
						}
					}
					if _, err := r.writer.Enqueue(b.Context(), news...); err != nil {
						b.Fatal(err)
					}
				}
				enqueued += busy() - begun
				l := NewLease(p, fmt.Sprint("l", claimed))
				var claims []Claim
				begun = busy()
				for left := all; left > 0; left -= len(claims) {
					reply := r.RunTurns(b.Context(), &Turn{Lease: l, Want: 100, Finishes: complete(claims), Lanes: []string{"noop"}})[0]
					if reply.Err != nil {
						b.Fatal(reply.Err)
					}
					claims = reply.Claims
					claimed += float64(len(claims))
				}
				if err := r.RunTurns(b.Context(), &Turn{Lease: l, Finishes: complete(claims)})[0].Err; err != nil {
					b.Fatal(err)
				}
				us += busy() - begun
			}
			b.ReportMetric(enqueued/claimed, "us/enqueue")
			b.ReportMetric(us/claimed, "us/job")
		})
	}
}

func benchmarkScripts(b *testing.B, change func(j *NewJob), counts bool) {
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
	busy := func() float64 { return busyWithScripts(b, server) }
	var push, turn []float64
	l := NewLease(p, "l")
	var claims []Claim
	for n := 0; b.Loop(); n++ {
		news := make([]*NewJob, batch)
		for i := range news {
			news[i] = &NewJob{Envelope: costEnvelope()}
			change(news[i])
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

// busyWithScripts is how many us a server has been busy with scripts.
func busyWithScripts(b *testing.B, server *redistest.Server) (us float64) {
	b.Helper()
	text, err := server.Client(b).Info(b.Context(), "commandstats").Result()
	if err != nil {
		b.Fatal(err)
	}
	if m := regexp.MustCompile(`cmdstat_evalsha:calls=\d+,usec=(\d+)`).FindStringSubmatch(text); m != nil {
		us, _ = strconv.ParseFloat(m[1], 64)
	}
	return us
}
