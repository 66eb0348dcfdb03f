package redis

import (
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/drayhorse/drayhorse/internal/redistest"
)

// TestDeployedConfig starts a server with the settings of deploy/redis.conf.
func TestDeployedConfig(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../../deploy/redis.conf")
	if err != nil {
		t.Fatal(err)
	}
	var lines []string
	for line := range strings.Lines(string(text)) {
		if line = strings.TrimSpace(line); line != "" && !strings.HasPrefix(line, "#") && !strings.HasPrefix(line, "bind") {
			lines = append(lines, line)
		}
	}
	if !slices.Contains(lines, "maxmemory-policy noeviction") {
		t.Fatalf("lines = %q", lines)
	}
	server := redistest.Start(t, redistest.WithConfig(lines...))
	client, err := Open(Config{URL: server.URL})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = client.Close() })
	if err := client.Check(t.Context()); err != nil {
		t.Error(err)
	}
}
