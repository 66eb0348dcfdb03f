package operate_test

import (
	"io"
	"strings"
	"testing"

	"github.com/drayhorse/drayhorse"
	"github.com/drayhorse/drayhorse/internal/cli"
	"github.com/drayhorse/drayhorse/internal/cli/operate"
)

// TestShellsComplete: values that are fixed, names that Redis has, and never file names.
func TestShellsComplete(t *testing.T) {
	t.Parallel()
	o := setup(t)
	o.enqueue("k", "a")
	o.enqueue("k", "b", drayhorse.Queue("mail"))
	o.says("set limit smtp of queue mail\n", "limits", "set", "smtp", "--queue", "mail", "--concurrency", "3")
	const noFiles, goesOn = ":4", ":6"
	for args, want := range map[string]string{
		"jobs list --state ":         "scheduled available running retryable completed cancelled discarded",
		"jobs tail --type ":          "started completed failed discarded cancelled snoozed limited released diverted rescued operator",
		"jobs list --queue ":         "default mail",
		"jobs list --kind ":          "",
		"jobs get --queue m":         "default mail", // the shell keeps those that begin with it
		"jobs get ":                  "",
		"jobs list -o ":              "json wide name",
		"queues pause ":              "default mail",
		"queues purge mail --state ": "scheduled available retryable completed cancelled discarded",
		"queues delete ":             "default mail",
		"limits set l --queue ":      "default mail",
		"limits remove ":             "smtp",
		"workers show ":              "",
		"queues list --log-level ":   "debug info warn error",
		"jobs list --where st":       "state:",
		"jobs retry --where queue:m": "queue:mail",
		"jobs list --where nothing:": "",
	} {
		words := strings.Split(args, " ")
		var out strings.Builder
		p := cli.Process{
			Args:  append([]string{"__complete", words[0], words[1], "--redis", o.url}, words[2:]...),
			Stdin: strings.NewReader(""), Stdout: &out, Stderr: io.Discard,
			LookupEnv: func(string) (string, bool) { return "", false },
		}
		p.Run(t.Context(), cli.Group("drayhorse", "The tool", operate.JobsCommand(), operate.QueuesCommand(), operate.WorkersCommand(), operate.LimitsCommand()))
		lines := strings.Split(strings.TrimSpace(out.String()), "\n")
		got, directive := strings.Join(lines[:len(lines)-1], " "), lines[len(lines)-1]
		how := noFiles
		if strings.HasSuffix(want, ":") {
			how = goesOn
		}
		if got != want || directive != how {
			t.Errorf("%s: %q, %s; want %q", args, got, directive, want)
		}
	}
}
