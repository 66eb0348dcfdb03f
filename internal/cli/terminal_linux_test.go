package cli_test

import (
	"bufio"
	"testing"

	"github.com/drayhorse/drayhorse/internal/cli"
	"github.com/drayhorse/drayhorse/internal/cli/clitest"
)

func TestJSONOnATerminalIsEscaped(t *testing.T) {
	t.Parallel()
	screen, stream := clitest.Terminal(t)
	if err := cli.PrintJSONLine(stream, "\u009b2J\u202e<\u200b\U000e0041"); err != nil {
		t.Fatal(err)
	}
	got, err := bufio.NewReader(screen).ReadString('\n')
	if want := `"\u009b2J\u202e<\u200b\udb40\udc41"` + "\r\n"; err != nil || got != want {
		t.Errorf("the terminal got %q, %v; want %q", got, err, want)
	}
}
