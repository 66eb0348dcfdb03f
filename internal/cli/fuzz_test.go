package cli_test

import (
	"bytes"
	"context"
	"strings"
	"testing"

	"github.com/drayhorse/drayhorse/internal/cli"
)

// FuzzCommandLine: whatever stands on the command line and in the environment, the
// command runs, or the program ends as the contract says: with one line and exit code 2.
func FuzzCommandLine(f *testing.F) {
	f.Add("--number\n5\n--long-pause=1m\n--strict\n--queue\na=3\n--queue=b", "DRAYHORSE_LONG_PAUSE=2s")
	f.Add("--once=2030-01-02T15:04:05Z\n--redis\nredis://:p@h/1", "DRAYHORSE_QUEUES=a=1")
	f.Add("--nubmer=1", "DRAYHORSE_NUMBER=x\nDRAYHORSE_CONFIG=/nowhere")
	f.Add("--config=\nextra", "")
	f.Add("-h\n--", "")
	f.Fuzz(func(t *testing.T, line, environment string) {
		env := map[string]string{}
		for entry := range strings.Lines(environment) {
			name, value, _ := strings.Cut(strings.TrimSuffix(entry, "\n"), "=")
			env[name] = value
		}
		ran := false
		root := cli.Def[sample]{
			Name: "prog", Short: "A program", Config: sample{Common: cli.DefaultCommon()},
			Run: func(context.Context, *cli.Call, *sample) error { ran = true; return nil },
		}.Command()
		var stdout, stderr bytes.Buffer
		p := cli.Process{
			Args: strings.Split(line, "\n"), Stdin: strings.NewReader(""), Stdout: &stdout, Stderr: &stderr,
			LookupEnv: func(name string) (string, bool) { v, ok := env[name]; return v, ok },
		}
		switch code := p.Run(t.Context(), root); {
		case code == cli.ExitOK && (ran || stdout.Len() > 0):
		case code == cli.ExitUsage && !ran && strings.Count(stderr.String(), "\n") == 1:
		default:
			t.Errorf("exit %d, ran %v: %q", code, ran, stderr.String())
		}
	})
}
