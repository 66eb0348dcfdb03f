package deploy_test

import (
	"context"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	goredis "github.com/redis/go-redis/v9"

	"github.com/drayhorse/drayhorse/internal/redis"
	"github.com/drayhorse/drayhorse/internal/redistest"
)

// conf makes a server of redistest read a file of this directory, on loopback and in
// the server's own directory.
func conf(t *testing.T, name string) redistest.Option {
	t.Helper()
	before, after, found := strings.Cut(read(t, "redis.conf"), "\ndir /var/lib/redis\n")
	if !found {
		t.Error("redis.conf leaves open where the data is; Debian's unit lets Redis write there alone")
	}
	base := write(t, "redis.conf", before+"\n"+after)
	if name == "redis.conf" {
		return redistest.WithConfig("include "+base, "bind 127.0.0.1")
	}
	text := strings.ReplaceAll(read(t, name), "/etc/redis/redis.conf", base)
	return redistest.WithConfig("include "+write(t, name, text), "bind 127.0.0.1")
}

// check has the programs look a server over.
func check(t *testing.T, url string) {
	t.Helper()
	client, err := redis.Open(redis.Config{URL: url})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = client.Close() }()
	if err := client.Check(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestRedisConf(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t, conf(t, "redis.conf"))
	check(t, server.URL)
	holds(t, server.Client(t), map[string]string{
		"maxmemory-policy": "noeviction", "appendonly": "yes", "appendfsync": "everysec",
	})
}

// TestReplicatedConf: a primary that no replica follows takes no writes, and a
// Sentinel with sentinel.conf watches it.
func TestReplicatedConf(t *testing.T) {
	t.Parallel()
	primary := redistest.Start(t, conf(t, "redis-replicated.conf"))
	check(t, primary.URL)
	client := primary.Client(t)
	holds(t, client, map[string]string{"maxmemory-policy": "noeviction", "appendonly": "yes", "min-replicas-max-lag": "1"})
	if err := client.Set(t.Context(), "a", 1, 0).Err(); err == nil || !strings.HasPrefix(err.Error(), "NOREPLICAS") {
		t.Errorf("a write without a replica: %v, want NOREPLICAS", err)
	}
	host, port, _ := strings.Cut(primary.Addr, ":")
	redistest.Start(t, conf(t, "redis-replicated.conf"), redistest.WithConfig("replicaof "+host+" "+port))
	redistest.Eventually(t, 30*time.Second, "a write with a replica", func() bool {
		return client.Set(t.Context(), "a", 1, 0).Err() == nil
	})
	watched(t, host, port)
}

// watched starts a Sentinel on the file as it is, but for addresses and directories.
func watched(t *testing.T, host, port string) {
	t.Helper()
	socket := filepath.Join(t.TempDir(), "sentinel.sock")
	text := strings.NewReplacer("\nport 26379", "\nport 0\nunixsocket "+socket, "\nbind * -::*", "",
		"/var/lib/redis", t.TempDir(), "10.0.0.1 6379", host+" "+port).Replace(read(t, "sentinel.conf"))
	ctx, stop := context.WithCancel(context.Background())
	cmd := exec.CommandContext(ctx, "redis-server", write(t, "sentinel.conf", text), "--sentinel")
	var log strings.Builder
	cmd.Stdout = &log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		stop()
		_ = cmd.Wait() // killed
		if t.Failed() {
			t.Log(log.String())
		}
	})
	sentinel := goredis.NewSentinelClient(&goredis.Options{Network: "unix", Addr: socket})
	t.Cleanup(func() { _ = sentinel.Close() })
	redistest.Eventually(t, 30*time.Second, "a Sentinel that reaches the primary and knows its replica", func() bool {
		jobs, err := sentinel.Master(t.Context(), "jobs").Result()
		return err == nil && jobs["flags"] == "master" && jobs["port"] == port && jobs["num-slaves"] == "1" &&
			jobs["quorum"] == "2" && jobs["down-after-milliseconds"] == "5000" && jobs["parallel-syncs"] == "1"
	})
}

func TestClusterConf(t *testing.T) {
	t.Parallel()
	group := redistest.StartCluster(t, 3, 1, conf(t, "redis-cluster.conf"))
	check(t, group.URL)
	holds(t, group.Nodes[0].Client(t), map[string]string{
		"maxmemory-policy": "noeviction", "appendonly": "yes", "cluster-require-full-coverage": "no", "min-replicas-to-write": "1",
	})
	client := group.Client(t)
	redistest.Eventually(t, 30*time.Second, "writes with replicas", func() bool {
		return client.ForEachMaster(t.Context(), func(ctx context.Context, node *goredis.Client) error {
			return node.Publish(ctx, "x", "y").Err() // any primary takes it
		}) == nil && client.Set(t.Context(), "a", 1, 0).Err() == nil
	})
}

// TestACLNamesEveryProgram: the file has users for the programs, and a server takes it.
func TestACLNamesEveryProgram(t *testing.T) {
	t.Parallel()
	file, err := filepath.Abs("users.acl")
	if err != nil {
		t.Fatal(err)
	}
	server := redistest.Start(t, conf(t, "redis.conf"), redistest.WithConfig("aclfile "+file))
	users, err := server.Client(t).Do(t.Context(), "ACL", "USERS").StringSlice()
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"producer", "worker", "scheduler"} {
		if !strings.Contains(strings.Join(users, " "), "drayhorse-"+name) {
			t.Errorf("no user for %s among %q", name, users)
		}
	}
}

// holds checks what is in force.
func holds(t *testing.T, client *goredis.Client, want map[string]string) {
	t.Helper()
	for name, value := range want {
		got, err := client.ConfigGet(t.Context(), name).Result()
		if err != nil || got[name] != value {
			t.Errorf("%s is %q, %v; want %q", name, got[name], err, value)
		}
	}
}
