package cli_test

import (
	"strings"
	"testing"

	"github.com/rivo/uniseg"

	"github.com/drayhorse/drayhorse/internal/cli"
)

func TestTableAlignsWhateverTheColours(t *testing.T) {
	t.Parallel()
	table := cli.NewTable("NAME", "N", "LAST")
	table.Row(cli.Cell{Text: "é", Colour: cli.Red}, cli.Cell{Text: "7", Right: true}, cli.Cell{Text: "x\x1b[2Jy\nz"})
	table.Row(cli.Cell{Text: "longer"}, cli.Cell{Text: "1234", Right: true, Colour: cli.Dim}, cli.Cell{})
	var plain, coloured strings.Builder
	if err := table.Write(&plain, false); err != nil {
		t.Fatal(err)
	}
	want := "NAME       N  LAST\né          7  x\\x1b[2Jy z\nlonger  1234\n"
	if plain.String() != want {
		t.Errorf("got\n%swant\n%s", plain.String(), want)
	}
	if err := table.Write(&coloured, true); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(coloured.String(), "\x1b[31mé\x1b[0m          7") {
		t.Errorf("got %q", coloured.String())
	}
}

func TestTableFitsTheTerminal(t *testing.T) {
	t.Parallel()
	for _, width := range []int{60, 80, 100} {
		table := cli.NewTable("ID", "ZERO", "COUNT", "LAST ERROR")
		table.Row(cli.Cell{Text: strings.Repeat("1a", 18)}, cli.Cell{Text: "0", Right: true}, cli.Cell{Text: "12", Right: true}, cli.Cell{Text: strings.Repeat("日本 text ", 20)})
		table.Row(cli.Cell{Text: "b"}, cli.Cell{Text: "0", Right: true}, cli.Cell{Text: "0", Right: true}, cli.Cell{})
		cli.Fit(table, width)
		var b strings.Builder
		if err := table.Write(&b, false); err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(b.String()) {
			if got := uniseg.StringWidth(strings.TrimSuffix(line, "\n")); got > width {
				t.Errorf("%d columns: a line of %d: %q", width, got, line)
			}
		}
		if !strings.Contains(b.String(), "…") || strings.Contains(b.String(), "ZERO") || !strings.Contains(b.String(), "12") {
			t.Errorf("%d columns:\n%s", width, b.String())
		}
	}
}

// TestIDsAndStatesCanBeReadWhereItIsNarrow: IDs that were made at one time differ at their ends,
// and a word such as a state is whole while anything else can be cut.
func TestIDsAndStatesCanBeReadWhereItIsNarrow(t *testing.T) {
	t.Parallel()
	table := cli.NewTable("ID", "STATE", "LAST ERROR")
	for _, end := range []string{"7", "8"} {
		table.Row(cli.Cell{Text: "01a227cb-5c72-7841-b6ed-0f6e0bfde1b" + end}, cli.Cell{Text: "completed", Colour: cli.Green}, cli.Cell{Text: "connection refused"})
	}
	cli.Fit(table, 35)
	var b strings.Builder
	if err := table.Write(&b, false); err != nil {
		t.Fatal(err)
	}
	want := `ID           STATE      LAST ERROR
01a2…fde1b7  completed  connection…
01a2…fde1b8  completed  connection…
`
	if b.String() != want {
		t.Errorf("got\n%swant\n%s", b.String(), want)
	}
}
