package deploy_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestDockerfileCopiesWhatIsThere: the Dockerfile builds as TestProgramsAreStatic does, with
// the Go of go.mod, and leaves nothing out that the build embeds.
func TestDockerfileCopiesWhatIsThere(t *testing.T) {
	t.Parallel()
	text := read(t, "Dockerfile")
	_, version, _ := strings.Cut(read(t, "../go.mod"), "\ngo ")
	version, _, _ = strings.Cut(version, "\n")
	for _, want := range []string{
		"golang:" + version[:strings.LastIndex(version, ".")] + "-", "CGO_ENABLED=0", "./cmd/drayhorse", "ln -s drayhorse /out/", "FROM scratch", "USER 65532:65532",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("Dockerfile lacks %q", want)
		}
	}
	for pattern := range strings.Lines(read(t, "Dockerfile.dockerignore")) {
		dir := filepath.Join("..", strings.TrimSpace(pattern), "*.go")
		sources, err := filepath.Glob(dir)
		if err != nil {
			t.Fatal(err)
		}
		for _, source := range sources {
			if _, err := os.Stat(filepath.Join(filepath.Dir(source), "go.mod")); err != nil && !strings.HasSuffix(source, "_test.go") {
				t.Errorf(".dockerignore leaves %s out", source)
			}
		}
	}
}
