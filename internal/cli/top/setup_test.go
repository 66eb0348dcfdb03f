package top

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/drayhorse/drayhorse"
	"github.com/drayhorse/drayhorse/admin"
	"github.com/drayhorse/drayhorse/internal/printable"
	"github.com/drayhorse/drayhorse/internal/redistest"
	"github.com/drayhorse/drayhorse/producer"
	"github.com/drayhorse/drayhorse/scheduler"
	"github.com/drayhorse/drayhorse/worker"
)

// programs is where tests build what they run.
var programs string

func TestMain(m *testing.M) {
	var err error
	if programs, err = os.MkdirTemp("", "drayhorse-top-"); err != nil {
		panic(err)
	}
	redistest.AtExit(func() error { return os.RemoveAll(programs) })
	redistest.Main(m)
}

const within = 20 * time.Second

// desk is a namespace of its own, and the model of it that somebody sits at.
type desk struct {
	t              *testing.T
	url, namespace string
	admin          *admin.Admin
	jobs           *producer.Producer
	m              *model
	r              *reader
}

func setup(t *testing.T) *desk {
	t.Helper()
	return setupOn(t, redistest.Shared(t))
}

func setupOn(t *testing.T, url string) *desk {
	t.Helper()
	d := &desk{t: t, url: url, namespace: redistest.Namespace(t)}
	var err error
	if d.admin, err = admin.New(admin.Config{RedisURL: url, Namespace: d.namespace, Actor: "ann"}); err != nil {
		t.Fatal(err)
	}
	if d.jobs, err = producer.New(producer.Config{RedisURL: url, Namespace: d.namespace}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := errors.Join(d.jobs.Close(), d.admin.Close()); err != nil {
			t.Error(err)
		}
	})
	d.m = newModel("test @ here", usualEvery, false, time.Now)
	d.r = newReader(d.admin)
	return d
}

// read reads once, as the app does, and wants it to succeed.
func (d *desk) read() {
	d.t.Helper()
	a := d.r.read(d.t.Context(), d.m.want())
	if a.err != nil || a.wrong != nil || a.panicked != nil {
		d.t.Fatalf("%v, %v, %v\n%s", a.err, a.wrong, a.panicked, a.stack)
	}
	d.m.take(a)
}

// press presses keys, and reads and does what they ask for.
func (d *desk) press(keys ...key) {
	d.t.Helper()
	for _, k := range keys {
		d.m.press(k)
		if q := d.m.due(); q != nil {
			d.m.done(q.run(d.t.Context(), d.admin))
		}
		if d.m.hurry {
			d.read()
		}
	}
}

// types types text, a key for each character.
func (d *desk) types(text string) {
	d.t.Helper()
	for _, one := range characters(text) {
		d.press(key(one))
	}
}

// screen gives what is shown at a width.
func (d *desk) screen(width int) string {
	d.t.Helper()
	d.m.width, d.m.height = width, 24
	return wholesome(d.t, d.m.draw())
}

// wholesome gives what a canvas shows, and wants every line to be as wide as the canvas and
// nothing in it that a terminal obeys.
func wholesome(t *testing.T, c *canvas) string {
	t.Helper()
	for y := range c.height {
		n := 0
		for x, one := range c.cells[y*c.width : (y+1)*c.width] {
			if len(one.text) == 1 && ' ' <= one.text[0] && one.text[0] <= '~' { // most are, and nothing is wrong with these
				n++
				continue
			}
			if one.text == "" { // the right half of the one before
				if x == 0 || widthOf(c.cells[y*c.width+x-1].text, 9) != 2 {
					t.Fatalf("cell %d of line %d is half of nothing: %q", x, y, c.line(y))
				}
				continue
			}
			n += widthOf(one.text, 9)
			if one.text != printable.Text(one.text) || !utf8.ValidString(one.text) || len(one.text) > maxCellBytes {
				t.Fatalf("cell %d of line %d is %q", x, y, one.text)
			}
		}
		if n != c.width {
			t.Fatalf("line %d is %d wide, not %d: %q", y, n, c.width, c.line(y))
		}
	}
	return c.text()
}

// sees wants all that on the screen, at 80x24.
func (d *desk) sees(want ...string) {
	d.t.Helper()
	text := d.screen(80)
	for _, w := range want {
		if !strings.Contains(text, w) {
			d.t.Errorf("%q is not seen in\n%s", w, text)
		}
	}
}

// chosen wants a line to be the one that is chosen.
func (d *desk) chosen(want string) {
	d.t.Helper()
	text := d.screen(80)
	for line := range strings.Lines(text) {
		if strings.HasPrefix(line, "›") {
			if !strings.Contains(line, want) {
				d.t.Errorf("%q is chosen; want %q", line, want)
			}
			return
		}
	}
	d.t.Errorf("nothing is chosen; want %q:\n%s", want, text)
}

// enqueue puts a job in.
func (d *desk) enqueue(kind, id string, options ...drayhorse.Option) {
	d.t.Helper()
	if _, err := d.jobs.EnqueueRaw(d.t.Context(), kind, json.RawMessage(`{"n":9223372036854775807}`), append(options, drayhorse.ID(id))...); err != nil {
		d.t.Fatal(err)
	}
}

// state waits until a job is in a state.
func (d *desk) state(id string, want drayhorse.State) {
	d.t.Helper()
	redistest.Eventually(d.t, within, id+" is "+string(want), func() bool {
		info, err := d.admin.Get(d.t.Context(), "", id)
		return err == nil && info.State == want
	})
}

// work runs a worker of a queue until the test ends: kind ok completes, fail fails, dead is
// discarded, hang runs until it is told to end.
func (d *desk) work(queue string) {
	d.t.Helper()
	w, err := worker.New(worker.Config{RedisURL: d.url, Namespace: d.namespace, Queues: map[string]int{queue: 1}, Concurrency: 4, ShutdownTimeout: 10 * time.Millisecond})
	if err != nil {
		d.t.Fatal(err)
	}
	for kind, handle := range map[string]func(ctx context.Context) error{
		"ok": func(context.Context) error { return nil },
		"fail": func(context.Context) error {
			return drayhorse.RetryAfter(time.Hour, errors.New("connection refused\nsecond line"))
		},
		"dead": func(context.Context) error { return drayhorse.Discard(errors.New("no such \x1b[31muser\u202e")) },
		"hang": func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() },
	} {
		worker.HandleKind(w, kind, func(ctx context.Context, _ *drayhorse.Job[json.RawMessage]) error { return handle(ctx) })
	}
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- w.Run(ctx) }()
	d.t.Cleanup(func() {
		stop()
		if err := <-done; err != nil {
			d.t.Error(err)
		}
	})
}

// everyState puts a job of queue mail into every state, its ID named after it.
func (d *desk) everyState() {
	d.t.Helper()
	d.enqueue("ok", "completed", drayhorse.Queue("mail"), drayhorse.Retain(time.Hour))
	d.enqueue("fail", "retryable", drayhorse.Queue("mail"))
	d.enqueue("dead", "discarded", drayhorse.Queue("mail"))
	d.enqueue("hang", "running", drayhorse.Queue("mail"))
	d.enqueue("ok", "scheduled", drayhorse.Queue("mail"), drayhorse.In(time.Hour))
	d.enqueue("ok", "cancelled", drayhorse.Queue("mail"), drayhorse.In(time.Hour))
	if err := d.admin.Cancel(d.t.Context(), "mail", "cancelled"); err != nil {
		d.t.Fatal(err)
	}
	d.work("mail")
	for _, s := range drayhorse.States() {
		if s != drayhorse.Available {
			d.state(string(s), s)
		}
	}
	d.enqueue("nobody", "available", drayhorse.Queue("mail")) // no handler here serves it
	redistest.Eventually(d.t, within, "it is set aside", func() bool {
		q, err := d.admin.Queue(d.t.Context(), "mail")
		return err == nil && q.Parked == 1
	})
}

// runs runs a scheduler until the test ends.
func (d *desk) runs(s *scheduler.Scheduler) {
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx) }()
	d.t.Cleanup(func() {
		stop()
		if err := <-done; err != nil {
			d.t.Error(err)
		}
	})
}
