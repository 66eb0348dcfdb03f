package cli

import (
	"fmt"
	"os"

	"golang.org/x/term"

	"github.com/drayhorse/drayhorse/internal/conf"
)

// Output says how a verb shows what it found.
type Output struct {
	Form OutputForm `yaml:"-" flag:"output" short:"o" arg:"FORM" values:"json,wide,name" usage:"json, wide: nothing is cut, or name: the first column alone"`
	JSON bool       `yaml:"-" flag:"json" usage:"print JSON"`
}

func (o *Output) form() OutputForm {
	if o.Form == "json" {
		o.JSON = true
	}
	return o.Form
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
	case c.form == "name":
		return t.writeNames(c.Stdout)
	case c.form != "wide":
		t.fit(terminalWidth(c.Stdout))
	}
	return t.Write(c.Stdout, c.HasColour())
}

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
