package top

import (
	"context"
	"sync/atomic"
	"testing"
	"time"

	"github.com/drayhorse/drayhorse/admin"
	"github.com/drayhorse/drayhorse/internal/board"
	"github.com/drayhorse/drayhorse/internal/redistest"
)

// paper is a screen of a test.
type paper struct {
	keys   chan event
	closed atomic.Bool
	shown  atomic.Int64
}

func (p *paper) events() <-chan event { return p.keys }
func (p *paper) show(*canvas)         { p.shown.Add(1) }
func (p *paper) redraw()              {}
func (p *paper) size() (int, int)     { return 80, 24 }
func (p *paper) close()               { p.closed.Store(true) }
func (p *paper) press(keys ...key) {
	for _, k := range keys {
		p.keys <- event{key: k}
	}
}

// slow is a view whose reading lasts until it is told to end.
type slow struct {
	*overview

	under, most, all atomic.Int64
	end              chan struct{}
	fails            atomic.Bool
}

func (s *slow) take(any, *model) {}

func (s *slow) fetch() fetch {
	return func(ctx context.Context, _ *admin.Admin, _ *board.Reading) (any, error) {
		s.all.Add(1)
		n := s.under.Add(1)
		defer s.under.Add(-1)
		for most := s.most.Load(); n > most && !s.most.CompareAndSwap(most, n); most = s.most.Load() {
		}
		if s.fails.Load() {
			panic("a fault in a reading")
		}
		select {
		case <-s.end:
		case <-ctx.Done():
		}
		return nil, ctx.Err()
	}
}

// start runs an app with a slow view until it ends.
func (d *desk) start(ctx context.Context) (p *paper, s *slow, ended chan any) {
	p, s = &paper{keys: make(chan event)}, &slow{overview: newOverview(), end: make(chan struct{})}
	d.m.tabs[0] = s
	d.m.every = 500 * time.Millisecond
	ended = make(chan any, 1)
	go func() {
		defer func() {
			if r := recover(); r != nil {
				ended <- r
			}
		}()
		ended <- newApp(d.m, d.r, d.admin, p).run(ctx)
	}()
	return p, s, ended
}

// TestReadingsDoNotOverlap however often somebody asks, and however long one takes.
func TestReadingsDoNotOverlap(t *testing.T) {
	t.Parallel()
	d := setup(t)
	p, s, ended := d.start(t.Context())
	redistest.Eventually(t, within, "a reading is under way", func() bool { return s.under.Load() == 1 })
	for range 10 {
		p.press("r", "2", "1", "r") // each wants it read at once
	}
	before := s.all.Load()
	if n := s.most.Load(); n != 1 || before != 1 {
		t.Fatalf("%d readings were under way at once, %d in all; want one", n, before)
	}
	s.end <- struct{}{}
	redistest.Eventually(t, within, "the next one begins", func() bool { return s.all.Load() > before })
	close(s.end)
	p.press("q")
	if err := <-ended; err != nil {
		t.Error(err)
	}
	if n := s.most.Load(); n != 1 {
		t.Errorf("%d readings were under way at once", n)
	}
}

// TestPausedReadsNothing unless somebody asks.
func TestPausedReadsNothing(t *testing.T) {
	t.Parallel()
	d := setup(t)
	p, s, ended := d.start(t.Context())
	close(s.end)
	redistest.Eventually(t, within, "it reads again and again", func() bool { return s.all.Load() > 2 })
	p.press(" ")
	redistest.Eventually(t, within, "what was under way has ended", func() bool { return s.under.Load() == 0 })
	shown, read := p.shown.Load(), s.all.Load()
	redistest.Eventually(t, within, "time passes", func() bool { return p.shown.Load() > shown+5 })
	if n := s.all.Load(); n > read+1 { // one may have begun just then
		t.Errorf("%d readings while it is paused", n-read)
	}
	read = s.all.Load()
	p.press("r")
	redistest.Eventually(t, within, "it is read once", func() bool { return s.all.Load() > read })
	p.press("q")
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

// TestTheTerminalIsGivenBack when it ends, is told to, and panics.
func TestTheTerminalIsGivenBack(t *testing.T) {
	t.Parallel()
	for name, end := range map[string]func(p *paper, s *slow, stop func()){
		"q":       func(p *paper, _ *slow, _ func()) { p.press("q") },
		"ctrl+c":  func(p *paper, _ *slow, _ func()) { p.press("ctrl+c") },
		"signal":  func(_ *paper, _ *slow, stop func()) { stop() },
		"no more": func(p *paper, _ *slow, _ func()) { p.keys <- event{err: context.Canceled} },
		"a panic": func(p *paper, s *slow, _ func()) { s.fails.Store(true); s.end <- struct{}{} },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := setup(t)
			ctx, stop := context.WithCancel(t.Context())
			defer stop()
			p, s, ended := d.start(ctx)
			redistest.Eventually(t, within, "a reading is under way", func() bool { return s.under.Load() == 1 })
			end(p, s, stop)
			got := <-ended
			if _, fails := got.(string); !p.closed.Load() || fails != (name == "a panic") || (got != nil) != (name == "a panic" || name == "no more") {
				t.Errorf("it ended with %v, the terminal is back: %v", got, p.closed.Load())
			}
		})
	}
}

// TestAnEndWaitsForWhatIsDone, so that nobody takes for done what was not.
func TestAnEndWaitsForWhatIsDone(t *testing.T) {
	t.Parallel()
	d := setup(t)
	d.enqueue("ok", "a")
	d.m.tabs[0] = newJobs("")
	d.read()
	p := &paper{keys: make(chan event)}
	ended := make(chan error, 1)
	go func() { ended <- newApp(d.m, d.r, d.admin, p).run(t.Context()) }()
	p.press("C", "y", "q")
	if err := <-ended; err != nil {
		t.Error(err)
	}
	d.is("a", "cancelled")
}
