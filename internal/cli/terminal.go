package cli

import (
	"os"

	"golang.org/x/term"
)

// IsTerminal reports whether a person sees what is written to, or types what is
// read from, a stream.
func IsTerminal(stream any) bool {
	f, ok := stream.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}

// HasColour reports whether colours are wanted in what is written to a stream:
// on a terminal, unless the variable NO_COLOR is set or the terminal is dumb.
func HasColour(stream any, lookupEnv func(string) (string, bool)) bool {
	no, _ := lookupEnv("NO_COLOR")
	kind, _ := lookupEnv("TERM")
	return no == "" && kind != "dumb" && IsTerminal(stream)
}
