package cli_test

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"

	"github.com/drayhorse/drayhorse/internal/cli"
)

// hostile is text of a stranger: it clears the screen, by two bytes of C0 and by one
// character of C1, turns the text round, and hides a part.
const hostile = "x\x1b[2J\u009b2J\u202ey\u200b\xff"

const shown = `x\x1b[2J\u009b2J\u202ey\u200b\xff`

func TestStrangersTextIsShownEscaped(t *testing.T) {
	t.Parallel()
	root := cli.Def[struct{}]{Name: "prog", Run: func(_ context.Context, call *cli.Call, _ *struct{}) error {
		call.Notef("noted %s", hostile)
		if err := call.Println("done " + hostile); err != nil {
			return err
		}
		return errors.New("it broke: " + hostile)
	}}.Command()
	var o outcome
	o.run(t, root, nil, nil)
	if want := "done " + shown + "\n"; o.stdout != want {
		t.Errorf("stdout is %q; want %q", o.stdout, want)
	}
	if want := "noted " + shown + "\nprog: it broke: " + shown + "\n"; o.stderr != want {
		t.Errorf("stderr is %q; want %q", o.stderr, want)
	}
}

func TestStrangersTextIsLoggedEscaped(t *testing.T) {
	t.Parallel()
	for format, want := range map[string]string{
		"json":    `"msg":"m x\\x1b[2J\\u009b2J\\u202ey\\u200b\\xff","error":"x\u001b[2J\u009b2J\u202ey\u200b\ufffd"}`,
		"console": "m " + shown + "\t" + `{"error": "x\u001b[2J\u009b2J\u202ey\u200b\ufffd"}`,
	} {
		root := cli.Def[cli.Common]{
			Name: "prog", Config: cli.DefaultCommon(),
			Run: func(_ context.Context, call *cli.Call, _ *cli.Common) error {
				call.Log.Warn("m "+hostile, slog.String("error", hostile))
				return nil
			},
		}.Command()
		var o outcome
		o.run(t, root, nil, []string{"--log-format", format})
		if !strings.Contains(o.stderr, want) {
			t.Errorf("%s: %q; want %q in it", format, o.stderr, want)
		}
	}
}

func TestJSONForProgramsIsAsItIs(t *testing.T) {
	t.Parallel()
	var b strings.Builder
	if err := cli.PrintJSONLine(&b, "\u202e<\u200b"); err != nil || b.String() != "\"\u202e<\u200b\"\n" {
		t.Errorf("%q, %v", b.String(), err)
	}
}
