//go:build unix

package main

import (
	"fmt"
	"strings"
	"syscall"
	"testing"

	"github.com/drayhorse/drayhorse/internal/cli/clitest"
	"github.com/drayhorse/drayhorse/internal/redistest"
	"github.com/drayhorse/drayhorse/producer"
)

func TestMain(m *testing.M) { redistest.Main(m) }

func TestAnInterruptedImportSaysHowFarItCame(t *testing.T) {
	t.Parallel()
	url, namespace := redistest.Shared(t), redistest.Namespace(t)
	p, err := producer.New(producer.Config{RedisURL: url, Namespace: namespace})
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	path := clitest.Build(t, ".")
	version := clitest.Start(t, path, "--version")
	if code := version.Wait(); code != 0 || !strings.HasPrefix(version.Stdout(), "drayhorse ") {
		t.Errorf("exit %d, %q", code, version.Stdout())
	}
	prog := clitest.Start(t, path, "import", "-", "--redis", url, "--namespace", namespace)
	if _, err := fmt.Fprint(prog.Stdin, "{\"kind\":\"k\"}\nnonsense\n{\"kind\":\"k\",\"id\":\"last\"}\n"); err != nil {
		t.Fatal(err)
	}
	redistest.Eventually(t, clitest.Within, "the last line is stored", func() bool {
		_, err := p.Get(t.Context(), "last")
		return err == nil
	})
	prog.Signal(syscall.SIGINT)
	code := prog.Wait()
	want := "line 2: not a JSON object\nstopped: interrupted by signal: interrupt; all jobs up to line 3 are stored\nimported 2, rejected 1\n"
	if code != 1 || prog.Stderr() != want || prog.Stdout() != "" {
		t.Errorf("exit %d, %q; want %q", code, prog.Stderr(), want)
	}
}
