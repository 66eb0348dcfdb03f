package operate

import (
	"cmp"
	"fmt"
	"strings"
	"time"

	"github.com/drayhorse/drayhorse/internal/cli"
	"github.com/drayhorse/drayhorse/internal/printable"
)

// fields shows one thing: names and values, a line each.
type fields struct {
	call    *cli.Call
	now     time.Time
	painted bool
	name    string // the first value
	text    strings.Builder
}

func newFields(call *cli.Call) *fields {
	return &fields{call: call, now: time.Now(), painted: call.HasColour()}
}

// add adds a field that has a value.
func (f *fields) add(name, value string) { f.coloured(name, value, cli.Plain) }

// coloured adds a field whose value has a colour. The value may come from anywhere,
// and is made printable.
func (f *fields) coloured(name, value string, c cli.Colour) {
	f.name = cmp.Or(f.name, value)
	if value != "" {
		fmt.Fprintf(&f.text, "%s  %s\n", cli.Paint(fmt.Sprintf("%-9s", name), cli.Bold, f.painted),
			cli.Paint(printable.Text(value), c, f.painted))
	}
}

// more adds a line to the field above.
func (f *fields) more(value string) { fmt.Fprintf(&f.text, "%11s%s\n", "", printable.Text(value)) }

// at gives a time; "" for none.
func (f *fields) at(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return fmt.Sprintf("%s (%s)", t.Local().Format("2006-01-02 15:04:05 MST"), ago(f.now.Sub(t)))
}

// print prints the fields, or where names alone are wanted the first one, which is the name.
func (f *fields) print() error {
	if f.call.NamesOnly() {
		return f.call.Println(f.name)
	}
	return f.call.Print(f.text.String())
}
