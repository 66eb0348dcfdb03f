package chaos

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/drayhorse/drayhorse"
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
	r.producer(80, 8, only("slow"))
	r.pause(3 * time.Second)
	r.do(client, "config", "set", "maxmemory", "1mb") // less than it has
	full := r.mark("memory is full")
	r.pause(4 * time.Second)
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
	finished := r.history.where(func(e event) bool { return e.What == ended && e.At.After(full) && e.At.Before(back) })
	r.result.note("%d enqueues rejected, %d executions ended while memory was full", len(refusals), len(finished))
	r.atMost("calls of unknown outcome", len(r.history.of(unsure)), 0)
	r.within("carried on after", r.history.resumed(back), carryOn)
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
	r.atMost("handlers at once", peak, slots)
	if len(again) < jobs {
		r.missed("%d of %d jobs completed when the service was back", len(again), jobs)
	}
}
