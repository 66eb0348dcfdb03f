package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"golang.org/x/term"

	"github.com/drayhorse/drayhorse"
	"github.com/drayhorse/drayhorse/internal/conf"
)

// Output says how a verb shows what it found.
type Output struct {
	Form  OutputForm `yaml:"-" flag:"output" short:"o" arg:"FORM" values:"json,wide,name" usage:"json, wide: nothing is cut, or name: the first column alone"`
	JSON  bool       `yaml:"-" flag:"json" usage:"print JSON"`
	Quiet bool       `yaml:"-" flag:"quiet" short:"q" usage:"of lists names alone, and no message on success"`
}

// settled gives the settings, those that follow from others filled in.
func (o *Output) settled() Output {
	switch {
	case o.Form == "json":
		o.JSON = true
	case o.Quiet && o.Form == "" && !o.JSON:
		o.Form = "name"
	}
	return *o
}

// Done says what was done: to programs as JSON, with the keys of fields.
func (o *Output) Done(call *Call, text string, fields map[string]any) error {
	switch {
	case o.JSON:
		return PrintJSON(call.Stdout, fields)
	case o.Quiet:
		return nil
	}
	return call.Println(text)
}

// Listing says how a verb shows a list, beside its Output.
type Listing struct {
	Watching `yaml:",inline"`

	Limit int `yaml:"-" flag:"limit" short:"n" arg:"N" usage:"how many at most; 0: all"`
}

// Settle is Settler.
func (l *Listing) Settle() error {
	if l.Limit < 0 {
		return Usagef("--limit %d; want 1 or more, or 0 for all", l.Limit)
	}
	return nil
}

// Watching says whether a verb shows again what it shows.
type Watching struct {
	Watch bool `yaml:"-" flag:"watch" short:"w" usage:"show it again every 2 seconds, until Ctrl-C"`
}

// watchEvery is how often a verb shows again.
const watchEvery = 2 * time.Second

// Show calls show, again and again if that is wanted. An outage of Redis after the first
// time is waited out.
func (w *Watching) Show(ctx context.Context, c *Call, show func() error) error {
	err := show()
	for w.Watch && err == nil {
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(watchEvery):
		}
		again := "\n" // in a file, lists one below the other
		if IsTerminal(c.Stdout) {
			again = "\x1b[H\x1b[2J"
		}
		if err = c.Print(again); err != nil {
			return err
		}
		if err = show(); errors.Is(err, drayhorse.ErrUnavailable) && ctx.Err() == nil {
			c.Notef("%v; trying again", err)
			err = nil
		}
	}
	if w.Watch && ctx.Err() != nil {
		return nil //nolint:nilerr // Ctrl-C
	}
	return err
}

// OutputForm is json, wide or name; "" is what fits the terminal.
type OutputForm string

// UnmarshalText takes one of them.
func (f *OutputForm) UnmarshalText(text []byte) error {
	if s := string(text); s != "json" && s != "wide" && s != "name" {
		return &conf.ValueError{Text: s, Want: "json, wide or name"}
	}
	*f = OutputForm(text)
	return nil
}

// Table writes a table to Stdout, as wide as the terminal is; elsewhere nothing is cut.
// One without rows is a line on Stderr, such as "no jobs".
func (c *Call) Table(t *Table, none string) error {
	switch {
	case t.isEmpty():
		_, err := fmt.Fprintln(c.Stderr, none)
		return err
	case c.NamesOnly():
		return t.writeNames(c.Stdout)
	case c.output.Form != "wide":
		t.fit(terminalWidth(c.Stdout))
	}
	return t.Write(c.Stdout, c.HasColour())
}

// More tells a person that a list goes on, unless quiet is wanted.
func (c *Call) More(format string, args ...any) {
	if !c.output.Quiet {
		c.Notef(format, args...)
	}
}

// NamesOnly reports whether names alone are wanted.
func (c *Call) NamesOnly() bool { return c.output.Form == "name" }

// terminalWidth is 0 for what is no terminal.
func terminalWidth(stream any) int {
	f, ok := stream.(*os.File)
	if !ok {
		return 0
	}
	width, _, err := term.GetSize(int(f.Fd()))
	if err != nil {
		return 0
	}
	return width
}
