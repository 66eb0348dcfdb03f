package check

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/compose-spec/compose-go/v2/cli"
	"github.com/compose-spec/compose-go/v2/types"
)

func file(t *testing.T, path string) []byte {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// project is the compose file, checked against the schema of the specification.
func project(t *testing.T) *types.Project {
	t.Helper()
	options, err := cli.NewProjectOptions([]string{"../docker-compose.yml"}, cli.WithResolvedPaths(true))
	if err != nil {
		t.Fatal(err)
	}
	p, err := options.LoadProject(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestComposeFile(t *testing.T) {
	t.Parallel()
	p := project(t)
	for name, want := range map[string]int{"worker": 3, "scheduler": 2, "producer": 1, "redis": 1, "prometheus": 1, "grafana": 1} {
		if s := p.Services[name]; s.GetScale() != want {
			t.Errorf("%d of %s, want %d", s.GetScale(), name, want)
		}
	}
	for _, name := range []string{"worker", "producer"} {
		if grace := p.Services[name].StopGracePeriod; grace == nil || time.Duration(*grace) < shutdownTimeout+10*time.Second {
			t.Errorf("%s is killed %v after SIGTERM", name, grace)
		}
	}
	for name, s := range p.Services {
		if s.Restart == "" {
			t.Errorf("%s stays away when it ends", name)
		}
		for _, port := range s.Ports {
			if port.HostIP != "127.0.0.1" {
				t.Errorf("%s is open to the network at %s", name, port.Published)
			}
		}
	}
	if len(p.Services["redis"].Ports) != 0 {
		t.Error("Redis has no password here, and is published")
	}
}

// TestComposeMountsExist: a mount whose source is missing becomes an empty directory.
func TestComposeMountsExist(t *testing.T) {
	t.Parallel()
	for name, s := range project(t).Services {
		for _, v := range s.Volumes {
			if v.Type != types.VolumeTypeBind {
				continue
			}
			if _, err := os.Stat(v.Source); err != nil {
				t.Errorf("%s: %v", name, err)
			}
		}
		if s.Build != nil {
			if _, err := os.Stat(filepath.Join(s.Build.Context, s.Build.Dockerfile)); err != nil {
				t.Errorf("%s: %v", name, err)
			}
		}
	}
}

// TestComposeKeepsTheDataOfRedis: a volume lies where redis.conf has the data, and the
// image hands it to its user only where it starts.
func TestComposeKeepsTheDataOfRedis(t *testing.T) {
	t.Parallel()
	redis := project(t).Services["redis"]
	if !strings.Contains(string(file(t, "../redis.conf")), "\ndir "+redis.WorkingDir+"\n") {
		t.Errorf("redis.conf has its data elsewhere than in %q", redis.WorkingDir)
	}
	if !slices.ContainsFunc(redis.Volumes, func(v types.ServiceVolumeConfig) bool {
		return v.Type == types.VolumeTypeVolume && v.Target == redis.WorkingDir
	}) {
		t.Errorf("no volume at %q", redis.WorkingDir)
	}
}
