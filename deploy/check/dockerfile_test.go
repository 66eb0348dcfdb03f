package check

import (
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/moby/buildkit/frontend/dockerfile/instructions"
	"github.com/moby/buildkit/frontend/dockerfile/linter"
	"github.com/moby/buildkit/frontend/dockerfile/parser"
	"github.com/moby/patternmatcher"
	"github.com/moby/patternmatcher/ignorefile"
)

// TestImageIsBuilt reads the Dockerfile as BuildKit does, and runs what its build stage
// runs, on what .dockerignore leaves of the checkout: the programs come out and say their
// version. The layers themselves need a container engine.
func TestImageIsBuilt(t *testing.T) {
	stages := dockerfile(t)
	if len(stages) != 2 || stages[0].Name != "build" || stages[1].BaseName != "scratch" {
		t.Fatalf("stages %+v; want build, and one from scratch", stages)
	}
	src, out := buildContext(t), t.TempDir()
	for _, c := range stages[0].Commands {
		if r, ok := c.(*instructions.RunCommand); ok && !strings.HasPrefix(r.CmdLine[0], "go mod download") {
			inStage(t, src, out, r)
		}
	}
	var made []string
	for _, c := range stages[1].Commands {
		if copied, ok := c.(*instructions.CopyCommand); ok && slices.Equal(copied.SourcePaths, []string{"/out/"}) && copied.DestPath == "/usr/local/bin/" {
			entries, err := os.ReadDir(out)
			if err != nil {
				t.Fatal(err)
			}
			for _, e := range entries {
				made = append(made, e.Name())
			}
		}
	}
	if want := []string{"drayhorse", "producer", "scheduler", "worker"}; !slices.Equal(made, want) {
		t.Errorf("the image has %v; want %v", made, want)
	}
	for _, name := range made {
		said, err := exec.CommandContext(t.Context(), filepath.Join(out, name), "--version").CombinedOutput()
		if err != nil || !strings.HasPrefix(string(said), "drayhorse v1.2.3 ") {
			t.Errorf("%s --version: %v: %s", name, err, said)
		}
	}
}

// dockerfile is what BuildKit reads, without anything that its linter warns of.
func dockerfile(t *testing.T) []instructions.Stage {
	t.Helper()
	f, err := os.Open("../Dockerfile")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	read, err := parser.Parse(f)
	if err != nil {
		t.Fatal(err)
	}
	for _, w := range read.Warnings {
		t.Errorf("Dockerfile: %s", w.Short)
	}
	lint := linter.New(&linter.Config{Warn: func(rule, _, _, message string, at []parser.Range) {
		t.Errorf("Dockerfile:%d: %s: %s", at[0].Start.Line, rule, message)
	}})
	stages, _, err := instructions.Parse(read.AST, lint)
	if err != nil {
		t.Fatal(err)
	}
	return stages
}

// buildContext is what is sent to a build: the checkout without what is ignored.
func buildContext(t *testing.T) string {
	t.Helper()
	f, err := os.Open("../Dockerfile.dockerignore")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	patterns, err := ignorefile.ReadAll(f)
	if err != nil {
		t.Fatal(err)
	}
	ignored, err := patternmatcher.New(patterns)
	if err != nil {
		t.Fatal(err)
	}
	dir, root := t.TempDir(), os.DirFS("../..")
	err = fs.WalkDir(root, ".", func(path string, e fs.DirEntry, err error) error {
		if err != nil || path == "." {
			return err
		}
		out, err := ignored.MatchesOrParentMatches(path)
		switch {
		case err != nil:
			return err
		case out && e.IsDir():
			return fs.SkipDir
		case out || !e.IsDir() && !e.Type().IsRegular():
			return nil
		case e.IsDir():
			return os.Mkdir(filepath.Join(dir, path), 0o700)
		}
		text, err := fs.ReadFile(root, path)
		if err != nil {
			return err
		}
		return os.WriteFile(filepath.Join(dir, path), text, 0o600)
	})
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

// inStage runs a command of the build stage, with a directory in place of /out.
func inStage(t *testing.T, src, out string, r *instructions.RunCommand) {
	t.Helper()
	line := strings.ReplaceAll(strings.Join(r.CmdLine, " "), "/out/", out+"/")
	cmd := exec.CommandContext(t.Context(), "sh", "-ec", line)
	cmd.Dir = src
	cmd.Env = append(os.Environ(), "VERSION=v1.2.3", "TARGETOS="+runtime.GOOS, "TARGETARCH="+runtime.GOARCH)
	if said, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("RUN %s: %v\n%s", line, err, said)
	}
}
