package docs_test

import (
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// linked are the modules of a program that imports producer and worker, beside this one.
var linked = []string{
	"github.com/beorn7/perks", "github.com/cespare/xxhash/v2", "github.com/go-json-experiment/json", "github.com/google/uuid",
	"github.com/munnerz/goautoneg", "github.com/prometheus/client_golang", "github.com/prometheus/client_model",
	"github.com/prometheus/common", "github.com/prometheus/procfs", "github.com/redis/go-redis/v9", "go.uber.org/atomic",
	"golang.org/x/sys", "google.golang.org/protobuf",
}

// TestWhatAProgramLinks: these are what a user's go.mod gets and his program has, whatever else
// the module of this repository requires for its tools and tests. More are a decision.
func TestWhatAProgramLinks(t *testing.T) {
	t.Parallel()
	cmd := exec.Command("go", "list", "-deps", "-f", "{{with .Module}}{{.Path}}{{end}}", "./producer", "./worker")
	cmd.Dir, cmd.Env, cmd.Stderr = root, append(os.Environ(), "CGO_ENABLED=0"), t.Output()
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	got := slices.DeleteFunc(strings.Fields(string(out)), func(path string) bool { return path == module })
	slices.Sort(got)
	if got = slices.Compact(got); !slices.Equal(got, linked) {
		t.Errorf("producer and worker link %q; want %q", got, linked)
	}
}
