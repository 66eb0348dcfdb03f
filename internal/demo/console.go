package demo

import (
	"fmt"
	"io"
	"time"

	"github.com/drayhorse/drayhorse/internal/cli"
	"github.com/drayhorse/drayhorse/internal/printable"
)

// console tells a person what happens. On a terminal its last line shows how far
// the demo is.
type console struct {
	out            io.Writer
	gone           func() // called when nobody can see it any more
	live, coloured bool
	begin          time.Time
	shown          time.Time // when progress was
	dirty          bool      // the line of progress is on the terminal
}

// liveEvery is how often progress is shown.
const liveEvery = 100 * time.Millisecond

func newConsole(call *cli.Call, gone func()) *console {
	return &console{
		out: call.Stdout, gone: gone, live: cli.IsTerminal(call.Stdout), coloured: cli.HasColour(call.Stdout, call.LookupEnv),
		begin: time.Now(),
	}
}

// event tells something that happened, on a line with the time since the start.
func (c *console) event(format string, args ...any) {
	c.clear()
	c.print(c.since() + printable.Text(fmt.Sprintf(format, args...)) + "\n")
}

// print writes.
func (c *console) print(text string) {
	if _, err := io.WriteString(c.out, text); err != nil {
		c.gone()
	}
}

func (c *console) since() string {
	return cli.Paint(fmt.Sprintf("%6.1fs  ", time.Since(c.begin).Seconds()), cli.Dim, c.coloured)
}

// progress shows, on a terminal, how many files were digested in a time, unless
// that was shown a moment ago.
func (c *console) progress(done, all int, in time.Duration) {
	if !c.live || time.Since(c.shown) < liveEvery {
		return
	}
	c.clear()
	c.print(c.since() + fmt.Sprintf("%d of %d files digested, %.0f/s", done, all, float64(done)/in.Seconds()))
	c.shown, c.dirty = time.Now(), true
}

// clear takes the line of progress away.
func (c *console) clear() {
	if c.dirty {
		c.print("\r\x1b[K")
		c.dirty = false
	}
}

func (c *console) table(t *cli.Table) error {
	c.clear()
	c.print("\n")
	return t.Write(c.out, c.coloured)
}

// verdict ends a demo that went well.
func (c *console) verdict(text string) error {
	_, err := fmt.Fprintln(c.out, cli.Paint(text, cli.Green, c.coloured))
	return err
}

// count gives a number of things in words.
func count(n int, thing string) string {
	if n == 1 {
		return "1 " + thing
	}
	return fmt.Sprintf("%d %ss", n, thing)
}
