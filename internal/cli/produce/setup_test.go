package produce

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/drayhorse/drayhorse"
	"github.com/drayhorse/drayhorse/internal/cli"
	"github.com/drayhorse/drayhorse/internal/redistest"
	"github.com/drayhorse/drayhorse/producer"
)

func TestMain(m *testing.M) { redistest.Main(m) }

// shop is a namespace of its own, with the program to test.
type shop struct {
	t              *testing.T
	url, namespace string
	jobs           *producer.Producer
}

func setup(t *testing.T) *shop {
	t.Helper()
	s := &shop{t: t, url: redistest.Shared(t), namespace: redistest.Namespace(t)}
	var err error
	if s.jobs, err = producer.New(producer.Config{RedisURL: s.url, Namespace: s.namespace}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.jobs.Close() })
	return s
}

// run runs the program and gives its exit code and what it wrote.
func (s *shop) run(stdin string, args ...string) (code int, stdout, stderr string) {
	s.t.Helper()
	return run(s.t.Context(), stdin, append(args, "--redis", s.url, "--namespace", s.namespace)...)
}

func run(ctx context.Context, stdin string, args ...string) (code int, stdout, stderr string) {
	var out, err bytes.Buffer
	p := cli.Process{
		Args: args, Stdin: strings.NewReader(stdin), Stdout: &out, Stderr: &err,
		LookupEnv: func(string) (string, bool) { return "", false },
	}
	code = p.Run(ctx, Command())
	return code, out.String(), err.String()
}

func (s *shop) get(id string) *drayhorse.Info {
	s.t.Helper()
	info, err := s.jobs.Get(s.t.Context(), id)
	if err != nil {
		s.t.Fatal(err)
	}
	return info
}

func write(t *testing.T, name, content string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func read(t *testing.T, path string) string {
	t.Helper()
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(content)
}

// lastLine gives the last line of what was written.
func lastLine(s string) string {
	lines := strings.Split(strings.TrimSuffix(s, "\n"), "\n")
	return lines[len(lines)-1]
}
