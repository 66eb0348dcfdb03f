package chaos

import (
	"context"
	"math"
	"math/rand/v2"
	"time"

	"github.com/drayhorse/drayhorse/internal/redistest"
)

var redisRows = []row{
	{name: "redis-killed", target: "0 lost; all carry on <= 5 s after it is back", run: redisKilled, smoke: true},
	{name: "redis-killed-everysec", target: "appendfsync everysec on a slow disk: at most the last 2 s, the loss stated", run: redisKilledHoldingBack},
	{name: "redis-rewound", target: "the loss is measured; every job that is left comes to an end", run: redisRewound},
	{name: "reply-lost", target: "one copy of each enqueue, one tick, one finish", run: replyLost},
	{name: "latency", target: "200 ms: no lease lost", run: latency},
	{name: "half-open", target: "no stuck worker", run: halfOpen},
	{name: "stall", target: "30 s: no stuck worker, no lease lost", run: stall},
	{name: "slow-script", target: "no duplicate tick; the leader gives up in time", run: slowScript},
}

// carryOn is within what time all work again once Redis does.
const carryOn = 5 * time.Second

// redisKilled kills Redis three times and starts it again from its append-only file.
func redisKilled(r *rig) {
	kills, jobs, file := 3, 2000, redistest.WithConfig("appendonly yes", "appendfsync always")
	if isSmoke() {
		kills, jobs, file = 1, 800, redistest.WithAOF()
	}
	server := r.redis(file)
	r.worker()
	r.worker()
	r.schedulers(2, 12*time.Second)
	r.producer(jobs, 120)
	var back []time.Time
	for range kills {
		r.pause(time.Duration(1000+r.random.IntN(1000)) * time.Millisecond)
		server.Kill()
		r.mark("redis killed")
		r.pause(time.Duration(500+r.random.IntN(1500)) * time.Millisecond)
		server.Restart()
		back = append(back, r.mark("redis is back"))
	}
	r.settle()
	worst := time.Duration(0)
	for _, at := range back {
		if took := r.history.resumed(at); took < 0 {
			r.missed("nothing more happened after a restart")
		} else {
			worst = max(worst, took)
		}
	}
	r.within("carried on after", worst, carryOn)
}

// redisKilledHoldingBack kills a Redis whose disk takes long to sync. With everysec it
// goes on answering meanwhile, and does not even hand what it answers for to the
// operating system.
func redisKilledHoldingBack(r *rig) {
	r.lossy = true
	slow := r.shim("testdata/slowdisk.c")
	server := r.redis(redistest.WithConfig("appendonly yes", "appendfsync everysec"), redistest.WithEnv("LD_PRELOAD="+slow))
	r.worker()
	r.producer(1000, 200)
	r.pause(time.Duration(3000+r.random.IntN(1000)) * time.Millisecond)
	server.Kill()
	at := r.mark("redis killed")
	server.Restart()
	r.settle()
	r.loss()
	r.within("the oldest lost job was acknowledged before the kill by", r.oldestLost(at), 2*time.Second)
}

// redisRewound kills Redis and starts it again from what it held a while before, as
// after a failover to a replica that had fallen behind.
func redisRewound(r *rig) {
	r.lossy = true
	server := r.redis(redistest.WithConfig("dir " + r.TempDir()))
	busy := r.worker()
	r.worker()
	r.loaded(busy, 1500, 120)
	r.do(server.Client(r.T), "save")
	r.mark("what Redis holds is saved")
	r.pause(2 * time.Second)
	server.Kill()
	server.Restart()
	back := r.mark("redis is back, with what was saved")
	r.settle()
	r.loss()
	r.within("carried on after", r.history.resumed(back), carryOn)
}

// replyLost has the replies of scripts lost, of every process, again and again.
func replyLost(r *rig) {
	server := r.redis()
	var proxies []*redistest.Proxy
	behind := func() func(*plan) {
		proxy, url := r.proxy(server)
		proxies = append(proxies, proxy)
		return through(url)
	}
	r.worker(behind())
	r.worker(behind())
	r.schedulers(1, 15*time.Second, behind())
	r.producer(1500, 150, behind())
	for _, proxy := range proxies {
		proxy.CutReplies(math.MaxInt, r.oneOf(20))
	}
	r.mark("one reply of twenty is lost")
	r.pause(12 * time.Second)
	cuts := 0
	for _, proxy := range proxies {
		proxy.CutReplies(0, nil)
		cuts += proxy.Cuts()
	}
	v := r.settle()
	r.result.note("%d replies lost", cuts)
	r.atMost("calls that failed", len(r.history.of(unsure)), 0)
	r.atMost("re-run", len(v.Rerun), 0)
	r.atLeast("replies lost", cuts, 100)
}

// oneOf likes one of n requests of the row's scripts, each by chance: a call that is
// made again meets no fault that has waited for it.
func (r *rig) oneOf(n int) func(request []byte) bool {
	random, ours := rand.New(rand.NewPCG(r.random.Uint64(), 3)), redistest.Contains(r.namespace+":{")
	return func(request []byte) bool { return ours(request) && random.IntN(n) == 0 }
}

// latency puts 200 ms between everybody and Redis.
func latency(r *rig) {
	server := r.redis()
	proxy, url := r.proxy(server)
	r.worker(through(url))
	r.worker(through(url))
	r.schedulers(1, 20*time.Second, through(url))
	r.producer(1000, 50, through(url), func(p *plan) { p.Callers = 50 })
	r.pause(time.Second)
	proxy.Delay(100 * time.Millisecond)
	r.mark("a round trip takes 200 ms longer")
	v := r.settle()
	r.atMost("leases lost", len(r.history.of(dropped)), 0)
	r.atMost("re-run", len(v.Rerun), 0)
}

// halfOpen has the connections of a worker and of a producer hang: nothing arrives
// any more, and no connection ends.
func halfOpen(r *rig) {
	server := r.redis()
	workers, workerURL := r.proxy(server)
	producers, producerURL := r.proxy(server)
	victim := r.worker(through(workerURL))
	r.worker()
	r.producer(600, 40, through(producerURL))
	r.loaded(victim, 1000, 60)
	workers.Freeze()
	producers.Freeze()
	at := r.mark("half-open")
	r.pause(15 * time.Second)
	workers.Resume()
	producers.Resume()
	back := r.mark("mended")
	v := r.settle()
	took, held, missing := r.history.takenOver(victim.plan.Name, at)
	r.result.note("%d jobs held", held)
	r.within("taken over in", took, takeover)
	r.atMost("jobs of the victim that never ran again", missing, 0)
	r.refusedLate(victim, at)
	r.rerunOnly(v, r.history.inFlight(victim.plan.Name, at, back.Add(onTheWay())))
	mine := r.history.where(func(e event) bool { return e.Who == victim.plan.Name })
	r.within("the worker works again after", mine.next(began, back), carryOn)
}

// stall has everybody's connections hang for longer than a lease lives.
func stall(r *rig) {
	server := r.redis()
	proxy, url := r.proxy(server)
	r.worker(through(url))
	victim := r.worker(through(url))
	r.schedulers(2, 40*time.Second, through(url))
	r.producer(1500, 30, through(url))
	r.producer(80, 0, only("slow"))
	r.until(patience, "a worker holds jobs", func(h history) bool { return len(h.held(victim.plan.Name, time.Now())) > 2 })
	proxy.Freeze()
	r.mark("nothing arrives any more, either way")
	r.pause(30 * time.Second)
	proxy.Resume()
	back := r.mark("mended")
	r.settle()
	r.within("carried on after", r.history.resumed(back), carryOn)
	r.atMost("leases lost", len(r.history.of(dropped)), 0)
	r.result.note("%d calls failed", len(r.history.of(unsure)))
}

// slowScript blocks Redis by scripts of somebody else's.
func slowScript(r *rig) {
	server := r.redis()
	r.worker()
	r.worker()
	r.schedulers(3, 30*time.Second)
	r.producer(1500, 50)
	client := server.Client(r.T)
	const busy = `local t = redis.call('TIME')
		local start = t[1] * 1000000 + t[2]
		repeat t = redis.call('TIME') until t[1] * 1000000 + t[2] - start > ARGV[1] * 1000
		return 'done'`
	for _, ms := range []int{3000, 4500, 6000} {
		r.pause(2 * time.Second)
		r.mark("a script of %d ms", ms)
		ctx, cancel := context.WithTimeout(r.Context(), patience)
		if err := client.WithTimeout(patience).Eval(ctx, busy, nil, ms).Err(); err != nil {
			r.Fatalf("the slow script: %v", err)
		}
		cancel()
	}
	v := r.settle()
	terms := r.terms()
	r.result.note("%d terms, %d writes of old terms refused", len(terms), r.refusedTerms())
	for i := 1; i < len(terms); i++ {
		if before := terms[i-1]; terms[i].from.Before(before.to) {
			r.missed("%s led until %v, and %s from %v", before.who, before.to, terms[i].who, terms[i].from)
		}
	}
	r.atMost("re-run", len(v.Rerun), 2*concurrency)
}
