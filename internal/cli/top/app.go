package top

import (
	"context"
	"fmt"
	"runtime/debug"
	"sync"
	"time"

	"github.com/drayhorse/drayhorse/admin"
)

// screen is a terminal.
type screen interface {
	// events gives what happens there, until close.
	events() <-chan event
	show(c *canvas)
	redraw()
	size() (width, height int)
	close()
}

// event is a key, pasted text, or another size; none of them: the terminal is gone.
type event struct {
	key     key
	pasted  string
	resized bool
	err     error
}

// app runs the model: it reads, does what is meant, and shows.
type app struct {
	model  *model
	reader *reader
	admin  *admin.Admin
	screen screen

	reading  bool // a reading is under way: there is one at most
	began    time.Time
	answers  chan answer
	outcomes chan outcome
	work     sync.WaitGroup
}

func newApp(m *model, r *reader, a *admin.Admin, s screen) *app {
	return &app{model: m, reader: r, admin: a, screen: s, answers: make(chan answer, 1), outcomes: make(chan outcome, 1)}
}

// run runs until somebody quits, or ctx ends, and gives the terminal back, also where it panics.
// What is being done then is waited for; the error is that it failed, or that the terminal did.
func (a *app) run(ctx context.Context) error {
	defer a.screen.close()
	reading, stop := context.WithCancel(ctx)
	defer a.work.Wait()
	defer stop()
	ticker := time.NewTicker(min(a.model.every, time.Second))
	defer ticker.Stop()
	for !a.model.quit {
		a.start(reading)
		a.model.width, a.model.height = a.screen.size()
		a.screen.show(a.model.draw())
		select {
		case <-ctx.Done():
			return a.finish()
		case e := <-a.screen.events():
			if e.err != nil {
				stop()
				return fmt.Errorf("the terminal is gone: %w", e.err)
			}
			a.take(e)
		case got := <-a.answers:
			a.reading = false
			rethrow(got.panicked, got.stack)
			a.model.take(got)
		case o := <-a.outcomes:
			rethrow(o.panicked, o.stack)
			a.model.done(o)
		case <-ticker.C:
		}
	}
	return a.finish()
}

// finish waits for what is being done.
func (a *app) finish() error {
	q := a.model.doing
	if q == nil || q.meant { // not begun
		return nil
	}
	if o := <-a.outcomes; o.err != nil {
		return fmt.Errorf("%s %s: %w", q.deed.Verb, q.what, o.err)
	}
	return nil
}

// rethrow panics where the terminal is put back.
func rethrow(panicked any, stack []byte) {
	if panicked != nil {
		panic(fmt.Sprintf("%v\n%s", panicked, stack))
	}
}

func (a *app) take(e event) {
	switch {
	case e.resized:
	case e.pasted != "":
		a.model.paste(e.pasted)
	case e.key == "ctrl+l":
		a.screen.redraw()
	default:
		a.model.press(e.key)
	}
}

// start begins to read if it is time and no reading is under way, and to do what is meant.
func (a *app) start(ctx context.Context) {
	if q := a.model.due(); q != nil {
		a.work.Go(func() { a.outcomes <- q.run(ctx, a.admin) })
	}
	due := a.model.hurry || !a.model.paused && time.Since(a.began) >= a.model.every
	if a.reading || !due {
		return
	}
	a.reading, a.began = true, time.Now()
	w := a.model.want()
	a.work.Go(func() { a.answers <- a.reader.read(ctx, w) })
}

// run does what is meant, also if somebody quits meanwhile.
func (q *question) run(ctx context.Context, a *admin.Admin) (o outcome) {
	defer func() {
		if p := recover(); p != nil {
			o.panicked, o.stack = p, debug.Stack()
		}
	}()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), actWithin)
	defer cancel()
	return q.carryOut(ctx, a)
}
