package cli_test

import (
	"bufio"
	"fmt"
	"os"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/drayhorse/drayhorse/internal/cli"
)

// openTerminal gives both ends of a terminal: what is written to the second is read
// from the first.
func openTerminal(t *testing.T) (screen, stream *os.File) {
	t.Helper()
	screen, err := os.OpenFile("/dev/ptmx", os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Skipf("there are no terminals here: %v", err)
	}
	t.Cleanup(func() { _ = screen.Close() })
	if err := unix.IoctlSetPointerInt(int(screen.Fd()), unix.TIOCSPTLCK, 0); err != nil {
		t.Fatal(err)
	}
	n, err := unix.IoctlGetInt(int(screen.Fd()), unix.TIOCGPTN)
	if err != nil {
		t.Fatal(err)
	}
	stream, err = os.OpenFile(fmt.Sprintf("/dev/pts/%d", n), os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = stream.Close() })
	return screen, stream
}

func TestJSONOnATerminalIsEscaped(t *testing.T) {
	t.Parallel()
	screen, stream := openTerminal(t)
	if err := cli.PrintJSONLine(stream, "\u009b2J\u202e<\u200b\U000e0041"); err != nil {
		t.Fatal(err)
	}
	got, err := bufio.NewReader(screen).ReadString('\n')
	if want := `"\u009b2J\u202e<\u200b\udb40\udc41"` + "\r\n"; err != nil || got != want {
		t.Errorf("the terminal got %q, %v; want %q", got, err, want)
	}
}
