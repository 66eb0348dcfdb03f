package jobs

import (
	"context"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/drayhorse/drayhorse"
	"github.com/drayhorse/drayhorse/internal/redistest"
)

// TestConcurrentEnqueuesShareCalls: while one call is on the wire, those who come
// meanwhile form the next.
func TestConcurrentEnqueuesShareCalls(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t)
	r := newRig(t, server.URL+redistest.Patient, 1)
	r.enqueue(r.newJob()) // loads the script
	const callers = 64
	for i, ctx := range []context.Context{t.Context(), context.Background()} {
		before := evalCalls(t, server)
		server.Pause()
		var wg sync.WaitGroup
		call := func() {
			job := r.newJob()
			wg.Go(func() {
				if _, err := r.writer.Enqueue(ctx, job); err != nil {
					t.Error(err)
				}
			})
		}
		call()
		redistest.Eventually(t, 5*time.Second, "the first call is on the wire", func() bool { return r.writer.onTheWire() })
		for range callers - 1 {
			call()
		}
		redistest.Eventually(t, 5*time.Second, "all others wait", func() bool { return callersOf(r.writer) == callers })
		server.Resume()
		wg.Wait()
		// A first caller whose context may end waits hurry for its answer; the writer then asks for it again.
		if calls := evalCalls(t, server) - before; calls != 2 && (ctx.Done() == nil || calls != 3) {
			t.Errorf("%d calls for %d callers, want the first one's and one for the others", calls, callers)
		}
		if s, want := r.raw(), 1+(i+1)*callers; len(s.lists[colReady]) != want {
			t.Errorf("%d jobs, want %d", len(s.lists[colReady]), want)
		}
	}
	r.checkSound()
}

// evalCalls is how many scripts a server has run by their hash.
func evalCalls(t *testing.T, server *redistest.Server) int {
	t.Helper()
	info, err := server.Client(t).Info(t.Context(), "commandstats").Result()
	if err != nil {
		t.Fatal(err)
	}
	_, tail, _ := strings.Cut(info, "cmdstat_evalsha:calls=")
	calls, _, _ := strings.Cut(tail, ",")
	n, err := strconv.Atoi(calls)
	if err != nil {
		t.Fatalf("no calls of EVALSHA in %s", info)
	}
	return n
}

func TestEnqueueKeepsTheOrderOfItsCallers(t *testing.T) {
	conform(t, func(r *rig) {
		var want []string
		for range 5 {
			want = append(want, r.enqueue(r.newJob(), r.newJob(), r.newJob())...)
		}
		r.claimed(r.turn(r.newLease(), 100), want...)
	})
}

func TestEnqueueGivesUpWhenRedisIsGone(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t)
	proxy := redistest.NewProxy(t, server.Addr)
	for _, fault := range []struct {
		name  string
		start func(*redistest.Proxy)
	}{
		{"half-open", (*redistest.Proxy).Freeze},
		{"refused", func(p *redistest.Proxy) { p.Refuse(); p.CloseAll() }},
	} {
		r := newRigOfOutages(t, "redis://"+proxy.Addr+"/0", 1)
		r.enqueue(r.newJob())
		fault.start(proxy)
		start := time.Now()
		_, err := r.writer.Enqueue(r.ctx, r.newJob())
		took := time.Since(start)
		r.wantError(err, drayhorse.ErrUnavailable)
		if took < Patience-time.Second || took > redistest.Stretch*Patience {
			t.Errorf("%s: gave up after %v, want %v", fault.name, took, Patience)
		}
		t.Logf("%s: gave up after %v", fault.name, took)
		proxy.Resume()
		r.enqueue(r.newJob())
		r.checkSound()
	}
}

func TestEnqueueSurvivesAShortOutage(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t)
	proxy := redistest.NewProxy(t, server.Addr)
	r := newRigOfOutages(t, "redis://"+proxy.Addr+"/0", 1)
	proxy.Refuse()
	proxy.CloseAll()
	done := make(chan error)
	go func() {
		_, err := r.writer.Enqueue(r.ctx, r.newJob())
		done <- err
	}()
	redistest.Eventually(t, 5*time.Second, "a caller waits", func() bool { return callersOf(r.writer) > 0 })
	proxy.Resume()
	r.must(<-done)
	if s := r.summary(); s.Available != 1 {
		t.Errorf("%d jobs, want 1", s.Available)
	}
}

func TestEnqueueReturnsAtTheEndOfItsContext(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t)
	r := newRig(t, server.URL+redistest.Patient, 1)
	r.enqueue(r.newJob())
	server.Pause()
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	start := time.Now()
	_, err := r.writer.Enqueue(ctx, r.newJob())
	r.wantError(err, drayhorse.ErrUnavailable)
	if took := time.Since(start); took > r.writer.Patience/2 {
		t.Errorf("returned after %v, want 50ms", took)
	}
	server.Resume()
}

// TestCancelEndsALoneEnqueue: a caller that makes its call itself does not wait for
// Redis longer than for a moment, and the writer goes on for it.
func TestCancelEndsALoneEnqueue(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t)
	proxy := redistest.NewProxy(t, server.Addr)
	r := newRig(t, "redis://"+proxy.Addr+"/0"+redistest.Patient, 1)
	r.enqueue(r.newJob(), r.newJob()) // by the writer's own goroutine, which finds Redis quick
	server.Pause()
	var sent atomic.Bool
	proxy.CutReplies(1, func([]byte) bool { sent.Store(true); return false }) // it is asked, and cuts none
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() {
		_, err := r.writer.Enqueue(ctx, r.newJob())
		done <- err
	}()
	redistest.Eventually(t, 5*time.Second, "the call is on the wire", sent.Load)
	cancel()
	select {
	case err := <-done:
		r.wantError(err, drayhorse.ErrUnavailable)
	case <-time.After(r.writer.Patience / 2):
		t.Error("Enqueue did not return at the end of its context")
	}
	server.Resume()
	r.enqueue(r.newJob())
	if s := r.summary(); s.Available != 4 {
		t.Errorf("%d jobs, want 4: each once", s.Available)
	}
	r.checkSound()
}

func TestServerThatRestartsForgetsScripts(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t)
	r := newRig(t, server.URL+redistest.Patient, 1)
	l := r.newLease()
	r.enqueue(r.newJob(), r.newJob())
	r.turn(l, 1)
	if err := server.Client(t).ScriptFlush(t.Context()).Err(); err != nil {
		t.Fatal(err)
	}
	r.enqueue(r.newJob())
	replies := r.RunTurns(r.ctx, &Turn{Lease: l, Want: 1}, &Turn{Lease: r.newLease(), Want: 1})
	for _, reply := range replies {
		r.must(reply.Err)
		if len(reply.Claims) != 1 {
			t.Errorf("claims = %v, want one", reply.Claims)
		}
	}
	r.checkSound()
}

func TestEmptyEnqueueIsHarmless(t *testing.T) {
	conform(t, func(r *rig) {
		stored, err := r.writer.Enqueue(r.ctx)
		r.must(err)
		if len(stored) != 0 || r.summary().Available != 0 {
			r.t.Errorf("stored %v", stored)
		}
	})
}

// onTheWire says whether a call has begun and nobody waits for the next.
func (w *Writer) onTheWire() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.busy && len(w.waiting) == 0
}

// callersOf is how many callers wait for a writer, the call on the wire counting as one.
func callersOf(w *Writer) int {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.busy {
		return len(w.waiting) + 1
	}
	return 0
}
