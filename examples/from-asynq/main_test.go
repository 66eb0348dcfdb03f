package main

import (
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/drayhorse/drayhorse/internal/cli/clitest"
)

const guide = "../../docs/from-asynq.md"

// TestTheGuideShowsWhatTheExamplePrints runs the example as its readers do.
func TestTheGuideShowsWhatTheExamplePrints(t *testing.T) {
	t.Parallel()
	cmd := exec.Command(clitest.Build(t, "."))
	cmd.Stderr = t.Output()
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(guide)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(text), "```text\n"+string(out)+"```\n") {
		t.Errorf("%s does not show what the example prints:\n%s", guide, out)
	}
}

// TestTheGuideShowsTheCode: its Go is that of the example.
func TestTheGuideShowsTheCode(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile(guide)
	if err != nil {
		t.Fatal(err)
	}
	var code string
	for _, file := range []string{"tasks/tasks.go", "before/before.go", "after/after.go"} {
		content, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		code += string(content)
	}
	blocks := strings.Split(string(text), "```go\n")[1:]
	if len(blocks) == 0 {
		t.Fatal("the guide shows no code")
	}
	for _, block := range blocks {
		if block, _, _ = strings.Cut(block, "```"); !strings.Contains(code, block) {
			t.Errorf("the example has no such code:\n%s", block)
		}
	}
}
