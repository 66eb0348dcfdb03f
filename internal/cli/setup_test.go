package cli_test

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/spf13/cobra"

	"github.com/drayhorse/drayhorse/internal/cli"
)

// sample has a setting of each kind.
type sample struct {
	cli.Common `yaml:",inline"`

	Number  int                `yaml:"number" usage:"a number"`
	Pause   time.Duration      `yaml:"long_pause" usage:"a duration"`
	Strict  bool               `yaml:"strict" usage:"a switch"`
	Queues  cli.Weights        `yaml:"queues" flag:"queue" usage:"weights"`
	Once    *time.Time         `yaml:"-" flag:"once" usage:"a flag alone"`
	Deep    map[string]section `yaml:"deep"`
	Numbers []int              `yaml:"numbers"`
}

type section struct {
	Inner *struct {
		Limit time.Duration `yaml:"limit"`
	} `yaml:"inner"`
}

// outcome is what a run of a program shows.
type outcome struct {
	env            map[string]string
	environ        []string
	code           int
	stdout, stderr string
	cfg            *sample // nil: the command did not run
}

// call runs a program of one command with a sample config.
func call(t *testing.T, env map[string]string, args ...string) outcome {
	t.Helper()
	o := outcome{env: env}
	return o.sample(t, args)
}

// callWith is call with what a process has as its environment, for warnings.
func callWith(t *testing.T, environ []string, args ...string) outcome {
	t.Helper()
	o := outcome{environ: environ}
	return o.sample(t, args)
}

func (o outcome) sample(t *testing.T, args []string) outcome {
	t.Helper()
	root := cli.Def[sample]{
		Name: "prog", Short: "A program",
		Config: sample{Common: cli.DefaultCommon(), Number: 1},
		Run:    func(_ context.Context, _ *cli.Call, cfg *sample) error { o.cfg = cfg; return nil },
	}.Command()
	o.run(t, root, o.env, args)
	return o
}

func (o *outcome) run(t *testing.T, root *cobra.Command, env map[string]string, args []string) {
	t.Helper()
	var stdout, stderr bytes.Buffer
	p := cli.Process{
		Args: args, Stdin: strings.NewReader(""), Stdout: &stdout, Stderr: &stderr, Environ: o.environ,
		LookupEnv: func(name string) (string, bool) { v, ok := env[name]; return v, ok },
	}
	o.code = p.Run(t.Context(), root)
	o.stdout, o.stderr = stdout.String(), stderr.String()
}

// write gives the path of a file with that content.
func write(t *testing.T, content string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "prog.yaml")
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}
