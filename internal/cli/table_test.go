package cli_test

import (
	"strings"
	"testing"

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
	want := "NAME       N  LAST\né          7  x [2Jy z\nlonger  1234\n"
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
