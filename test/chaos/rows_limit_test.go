package chaos

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/drayhorse/drayhorse"
	"github.com/drayhorse/drayhorse/admin"
	"github.com/drayhorse/drayhorse/internal/redistest"
)

var limitRows = []row{
	{name: "maxmemory", target: "enqueue: a clear error; finishes drain it; recovers alone", run: maxmemory},
	{name: "connections", target: "5,000 connections: no collapse", run: connections},
	{name: "retries", target: "10,000 retries due at once: handlers' load capped and jittered", run: retries},
}

// maxmemory has somebody else fill the memory of Redis while jobs flow, and later
// give it back.
func maxmemory(r *rig) {
	server := r.redis()
	client := server.Client(r.T)
	r.worker()
	r.producer(2400, 200)
	r.pause(3 * time.Second)
	<-r.producer(200, 0, only("slow")).exited         // a backlog to drain
	r.do(client, "config", "set", "maxmemory", "1mb") // less than it has
	r.mark("memory is full")
	r.pause(time.Second) // what was on the way has arrived
	before := r.completed()
	r.pause(3 * time.Second)
	drained := r.completed() - before
	r.do(client, "config", "set", "maxmemory", "0")
	back := r.mark("there is memory again")
	r.settle()
	refusals := r.history.where(func(e event) bool { return e.What == rejected })
	for _, e := range refusals {
		if !strings.Contains(e.Said, "out of memory") {
			r.missed("a rejected enqueue says %q", e.Said)
			break
		}
	}
	if len(refusals) == 0 {
		r.missed("no enqueue was rejected")
	}
	r.result.note("%d enqueues rejected, %d jobs completed while memory was full", len(refusals), drained)
	r.atLeast("jobs completed while memory was full", drained, 20)
	r.atMost("calls of unknown outcome", len(r.history.of(unsure)), 0)
	r.within("carried on after", r.history.resumed(back), carryOn)
}

// completed asks Redis how many jobs have been completed so far.
func (r *rig) completed() int {
	r.Helper()
	q, err := r.admin.Queue(r.Context(), drayhorse.DefaultQueue)
	if err != nil {
		r.Fatal(err)
	}
	return int(q.Totals[string(drayhorse.Completed)])
}

// connections opens as many connections as a large fleet would.
func connections(r *rig) {
	const n = 5000
	server := r.redis(redistest.WithConfig("maxclients 10000"))
	r.worker()
	before := r.producer(500, 100)
	<-before.exited
	var open []net.Conn
	defer func() {
		for _, c := range open {
			_ = c.Close()
		}
	}()
	for range n {
		c, err := net.DialTimeout("tcp", server.Addr, patience)
		if err != nil {
			r.Fatalf("connection %d: %v", len(open), err)
		}
		if _, err := fmt.Fprint(c, "PING\r\n"); err != nil {
			r.Fatal(err)
		}
		open = append(open, c)
	}
	at := r.mark("%d connections more", n)
	r.worker()
	r.producer(1500, 300)
	r.settle()
	r.within("carried on after", r.history.next(acknowledged, at), carryOn)
	r.within("longest time without an acknowledgement", r.history.gap(acknowledged, at.Add(time.Second), at.Add(4*time.Second)), time.Second)
}

// retries has every handler fail while a service is away, and looks at how the jobs
// come back when it is there again.
func retries(r *rig) {
	const jobs, slots = 10_000, 100
	r.redis()
	r.hands().once(outage)
	r.start("worker", plan{Concurrency: slots, Shutdown: 5 * time.Second}, nil).awaitReady()
	r.producer(jobs, 0, only("refusing"), func(p *plan) { p.Callers = 200 })
	r.produced()
	r.until(3*patience, "every job has failed", func(h history) bool {
		tried := map[string]bool{}
		for _, e := range h.of(ended) {
			tried[e.Key] = true
		}
		return len(tried) == jobs
	})
	shortest, longest := r.jitter()
	back := r.mark("the service is back")
	if err := os.Remove(filepath.Join(r.dir, outage)); err != nil {
		r.Fatal(err)
	}
	r.settle()
	again := r.history.where(func(e event) bool { return e.What == ended && e.Said == "completed" && e.At.After(back) })
	most, second := 0, map[int64]int{}
	running, peak := 0, 0
	for _, e := range r.history {
		switch e.What {
		case began:
			running++
			peak = max(peak, running)
		case ended:
			running--
		}
	}
	for _, e := range again {
		second[e.At.Unix()]++
		most = max(most, second[e.At.Unix()])
	}
	q, err := r.admin.Queue(r.Context(), drayhorse.DefaultQueue)
	if err != nil {
		r.Fatal(err)
	}
	r.result.note("%d jobs failed %d times, at most %d handlers at once, at most %d completed in a second", jobs, q.Totals["failed"], peak, most)
	r.result.note("backoffs from %.2f to %.2f of the longest allowed", shortest, longest)
	if longest-shortest < 0.2 { // they are to be spread from a half to the whole
		r.missed("eight of ten backoffs are between %.2f and %.2f of the longest allowed: no jitter", shortest, longest)
	}
	r.atMost("handlers at once", peak, slots)
	if len(again) < jobs {
		r.missed("%d of %d jobs completed when the service was back", len(again), jobs)
	}
}

// jitter gives between which shares of the longest backoff allowed eight of ten jobs
// wait that have failed. Those that wait longer are met more often.
func (r *rig) jitter() (shortest, longest float64) {
	r.Helper()
	found, err := r.admin.Jobs(r.Context(), admin.Filter{State: drayhorse.Retryable, Limit: admin.MaxLimit})
	if err != nil {
		r.Fatal(err)
	}
	var shares []float64
	for _, info := range found.Jobs {
		last := info.Errors[len(info.Errors)-1]
		allowed := min(leastBackoff<<(last.Attempt-1), mostBackoff)
		shares = append(shares, float64(info.DueAt.Sub(last.At))/float64(allowed))
	}
	if len(shares) < 100 {
		r.Fatalf("only %d jobs wait to be tried again", len(shares))
	}
	slices.Sort(shares)
	return shares[len(shares)/10], shares[len(shares)*9/10]
}
