package cli_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/drayhorse/drayhorse"
	"github.com/drayhorse/drayhorse/internal/cli"
)

func TestExitCodes(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		err    error
		code   int
		stderr string
	}{
		"fine":     {nil, cli.ExitOK, ""},
		"failed":   {errors.New("it broke\nin two"), cli.ExitFailed, "prog: it broke; in two\n"},
		"said":     {cli.ErrSaid, cli.ExitFailed, ""},
		"invalid":  {fmt.Errorf("%w: kind %q", drayhorse.ErrInvalid, "x"), cli.ExitUsage, "prog: invalid: kind \"x\"\n"},
		"usage":    {cli.Usagef("no %s", "way"), cli.ExitUsage, "prog: no way\n"},
		"notfound": {drayhorse.ErrNotFound, cli.ExitFailed, "prog: not found\n"},
	} {
		root := cli.Def[struct{}]{Name: "prog", Run: func(context.Context, *cli.Call, *struct{}) error { return c.err }}.Command()
		var o outcome
		o.run(t, root, nil, nil)
		if o.code != c.code || o.stderr != c.stderr || o.stdout != "" {
			t.Errorf("%s: exit %d, %q; want %d, %q", name, o.code, o.stderr, c.code, c.stderr)
		}
	}
}

func TestWrongCallsGetOneLineThatHelps(t *testing.T) {
	t.Parallel()
	for call, want := range map[string]string{
		"":                           "prog: no command is given; want do, see",
		"duu":                        `prog: command "duu" is not known; did you mean do?`,
		"remove":                     `prog: command "remove" is not known; want do, see`,
		"do":                         "prog do: no ID is given; want prog do ID...",
		"see now":                    `prog see: argument "now"; want flags alone, see prog see --help`,
		"see --numbr 5":              "prog see: flag --numbr is not known; did you mean --number?",
		"see --number":               "prog see: --number has no value; want --number INT",
		"see --number five":          `prog see: --number "five"; want a whole number`,
		"see --long-pause 5":         `prog see: --long-pause "5"; want a duration such as 500ms, 30s, 5m or 7d`,
		"see --once tomorrow":        `prog see: --once "tomorrow"; want a time such as 2030-01-02T15:04:05Z`,
		"see --strict=maybe":         `prog see: --strict "maybe"; want true or false`,
		"see --queue a=b":            `prog see: --queue "a=b"; want NAME or NAME=WEIGHT with a weight of 1 or more`,
		"see --log-format xml":       `prog see: --log-format "xml"; want json, console or auto`,
		"see -x":                     "prog see: flag -x is not known; see prog see --help",
		"do --redis redis://h --x 1": "prog do: flag --x is not known; see prog do --help",
		"do 1 --redis redis://h":     "prog do: --redis has no meaning for this command; want it left out",
	} {
		root := cli.Group("prog", "A program",
			cli.Def[struct{}]{Name: "do", Args: []string{"ID..."}, Run: func(context.Context, *cli.Call, *struct{}) error { return nil }}.Command(),
			cli.Def[sample]{Name: "see", Run: func(context.Context, *cli.Call, *sample) error { return nil }}.Command(),
		)
		var o outcome
		o.run(t, root, nil, strings.Fields(call))
		if o.code != cli.ExitUsage || o.stderr != want+"\n" || o.stdout != "" {
			t.Errorf("%q: exit %d, %q; want %q", call, o.code, o.stderr, want)
		}
	}
}

func TestHelpAndVersionAreNoMistakes(t *testing.T) {
	t.Parallel()
	for _, args := range [][]string{{"--help"}, {"--version"}, {"-h"}} {
		if o := call(t, nil, args...); o.code != cli.ExitOK || o.stdout == "" || o.stderr != "" || o.cfg != nil {
			t.Errorf("%v: %+v", args, o)
		}
	}
}
