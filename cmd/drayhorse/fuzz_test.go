package main

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/spf13/cobra"

	"github.com/drayhorse/drayhorse/internal/cli"
	"github.com/drayhorse/drayhorse/internal/cli/dev"
	"github.com/drayhorse/drayhorse/internal/cli/produce"
	"github.com/drayhorse/drayhorse/internal/cli/schedule"
	"github.com/drayhorse/drayhorse/internal/cli/work"
)

// readers are the programs that read a config file, each by the arguments that lead to
// it.
var readers = []struct {
	command func() *cobra.Command
	args    []string
}{
	{work.Command, nil}, {schedule.Command, nil}, {produce.Command, []string{"serve"}}, {produce.Command, []string{"enqueue"}},
	{dev.Command, nil},
}

// printed runs a program on a config file for what it makes of it.
func printed(reader uint8, file string) (code int, stdout, stderr string) {
	var out, complaints bytes.Buffer
	r := readers[int(reader)%len(readers)]
	p := cli.Process{
		Args: append(r.args, "--print-config", "--config", file), LookupEnv: func(string) (string, bool) { return "", false },
		Stdin: strings.NewReader(""), Stdout: &out, Stderr: &complaints,
	}
	code = p.Run(context.Background(), r.command())
	return code, out.String(), complaints.String()
}

// FuzzConfig: a config file is taken, and what --print-config shows of it is a config
// file that says the same; or it is refused, in one line for each mistake.
func FuzzConfig(f *testing.F) {
	for _, text := range []string{
		"queues: {critical: 6, default: 1}\nconcurrency: 20\nhandlers:\n  digest: {exec: {command: [sha256sum, \"{{path}}\"], timeout: 1m}}\n",
		"handlers: {notify: {http: {url: \"http://127.0.0.1:9000/hooks\", timeout: 10s, allow_private: true}}}",
		"schedules:\n  - {id: a, cron: \"0 3 * * *\", timezone: Europe/Paris, kind: k, args: {a: [1, null, 2.5]}, catch_up: last}\n  - {id: b, every: 30s, kind: k}\n",
		"redis: redis+sentinel://:secret@h:1,h:2/main\nnamespace: n\nlog_level: debug\nmetrics: 127.0.0.1:9\n",
		"listen: 127.0.0.1:8080\ntoken_file: tokens.yaml\n", "a: &a [*a]\n", "? {x: y}\n: - |\n  text\n", "---\n---\n", "null", "",
		"queues: !00 00000", "handlers: !00 00000", "schedules: !00 00000", // the YAML library panics
	} {
		for i := range readers {
			f.Add(uint8(i), text)
		}
	}
	file := filepath.Join(f.TempDir(), "config.yaml")
	f.Fuzz(func(t *testing.T, reader uint8, text string) {
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		code, shown, complaint := printed(reader, file)
		if code != cli.ExitOK {
			lines := strings.Split(strings.TrimSuffix(complaint, "\n"), "\n")
			name := readers[int(reader)%len(readers)].command().Name()
			for _, line := range lines { // each begins with the command
				if code != cli.ExitUsage || !strings.HasPrefix(line, name) {
					t.Errorf("exit %d: %q", code, complaint)
				}
			}
			return
		}
		if err := os.WriteFile(file, []byte(shown), 0o600); err != nil {
			t.Fatal(err)
		}
		if code, again, complaint := printed(reader, file); code != cli.ExitOK || again != shown {
			t.Errorf("shown:\n%s\nand then, with exit %d: %s\n%s", shown, code, complaint, again)
		}
	})
}
