package redis

import (
	"context"
	"errors"
	"os/exec"
	"strconv"
	"strings"
	"testing"

	"github.com/drayhorse/drayhorse"
	"github.com/drayhorse/drayhorse/internal/redistest"
)

// refused checks that the server is unusable, for a reason that says all that.
func refused(t *testing.T, url string, says ...string) string {
	t.Helper()
	c := open(t, url)
	err := c.Check(t.Context())
	if !errors.Is(err, ErrServer) || errors.Is(err, drayhorse.ErrUnavailable) {
		t.Fatalf("got %v, want ErrServer", err)
	}
	for _, want := range append(says, c.Addr()) {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("got %q, want it to say %q", err, want)
		}
	}
	if strings.Contains(err.Error(), "s3cret") {
		t.Errorf("got %q, which tells the password", err)
	}
	return err.Error()
}

func TestCheckRefusesAndSaysWhatMends(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name  string
		opts  []redistest.Option
		login string
	}{
		{name: "open", opts: nil},
		{name: "password", opts: []redistest.Option{redistest.WithPassword("s3cret")}},
		{name: "socket", opts: []redistest.Option{redistest.WithUnixSocket()}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s := redistest.Start(t, append(c.opts, redistest.WithConfig("maxmemory-policy allkeys-lru"))...)
			msg := refused(t, s.URL, "allkeys-lru")
			_, command, found := strings.Cut(msg, "mend it with: ")
			if !found {
				t.Fatalf("no command in %q", msg)
			}
			runCommand(t, command, "s3cret\n")
			if err := open(t, s.URL).Check(t.Context()); err != nil {
				t.Errorf("after %s: %v", command, err)
			}
		})
	}
}

// runCommand does what the message says.
func runCommand(t *testing.T, command, stdin string) {
	t.Helper()
	args := strings.Fields(command)
	cmd := exec.CommandContext(t.Context(), args[0], args[1:]...)
	cmd.Stdin = strings.NewReader(stdin)
	if out, err := cmd.CombinedOutput(); err != nil || !strings.Contains(string(out), "OK") {
		t.Fatalf("%s: %v\n%s", command, err, out)
	}
}

func TestCheckLooksAtEveryMaster(t *testing.T) {
	t.Parallel()
	g := redistest.StartCluster(t, 3, 0)
	bad := g.Nodes[2]
	if err := bad.Client(t).ConfigSet(t.Context(), "maxmemory-policy", "volatile-ttl").Err(); err != nil {
		t.Fatal(err)
	}
	refused(t, g.URL, "volatile-ttl", "redis-cli -u redis://"+bad.Addr+" CONFIG SET")
}

func TestCheckOfSentinelNamesThePrimary(t *testing.T) {
	t.Parallel()
	g := redistest.StartSentinel(t, redistest.WithPassword("s3cret"), redistest.WithConfig("maxmemory-policy allkeys-lfu"))
	refused(t, g.URL, "redis-cli -u redis://"+g.Primary(t).Addr+" --askpass CONFIG SET maxmemory-policy noeviction")
	refused(t, strings.Replace(g.URL, "sentinel_password=s3cret-sentinel", "sentinel_password=wrong", 1), "sentinel_password")
	refused(t, strings.Replace(g.URL, ":s3cret@", ":wrong@", 1), "refuses")

	c := open(t, strings.Replace(g.URL, g.Master, "other", 1))
	if err := c.Check(t.Context()); !errors.Is(err, drayhorse.ErrUnavailable) || !strings.Contains(err.Error(), "knows a primary") {
		t.Errorf("unknown master: %v", err)
	}
}

func TestCheckNamesWhatIsMissing(t *testing.T) {
	t.Parallel()
	closed := redistest.Start(t, redistest.WithPassword("s3cret"), redistest.WithConfig("user poor on >poor ~* +ping"))
	addr := "redis://" + closed.Addr
	if err := open(t, addr).Check(t.Context()); !errors.Is(err, drayhorse.ErrRefused) || !errors.Is(err, ErrServer) {
		t.Errorf("got %v; want ErrRefused and ErrServer", err)
	}
	if err := Wrap("look", open(t, addr).Get(t.Context(), "k").Err()); !errors.Is(err, drayhorse.ErrRefused) || errors.Is(err, drayhorse.ErrUnavailable) {
		t.Errorf("got %v; want ErrRefused", err)
	}
	refused(t, addr, "NOAUTH", "wants a password")
	refused(t, addr+"/1", "NOAUTH", "wants a password")
	refused(t, strings.Replace(addr, "//", "//:wrong@", 1), "WRONGPASS", "refuses")
	refused(t, strings.Replace(addr, "//", "//nobody:wrong@", 1), "WRONGPASS", "refuses")
	refused(t, strings.Replace(addr, "//", "//poor:poor@", 1), "NOPERM", "+info")

	member, _, _ := strings.Cut(strings.TrimPrefix(redistest.SharedCluster(t), "redis+cluster://"), ",")
	refused(t, "redis://"+member, "redis+cluster://")
	refused(t, strings.Replace(redistest.Shared(t), "redis://", "redis+cluster://", 1), "no Cluster")
}

// Hosted servers forbid CONFIG.
func TestCheckWithoutConfig(t *testing.T) {
	t.Parallel()
	s := redistest.Start(t, redistest.WithConfig("maxmemory-policy allkeys-lru", "user app on >s3cret ~* +@all -config"))
	url := strings.Replace(s.URL, "//", "//app:s3cret@", 1)
	refused(t, url, "allkeys-lru", "--user app --askpass")
	if err := s.Client(t).ConfigSet(t.Context(), "maxmemory-policy", "noeviction").Err(); err != nil {
		t.Fatal(err)
	}
	if err := open(t, url).Check(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestCheckUnreachable(t *testing.T) {
	t.Parallel()
	s := redistest.Start(t)
	s.Kill()
	for _, url := range []string{s.URL, "unix:///no/such.sock", "redis+cluster://" + s.Addr, "redis+sentinel://" + s.Addr + "/main"} {
		c := open(t, url)
		err := c.Check(t.Context())
		if !errors.Is(err, drayhorse.ErrUnavailable) || errors.Is(err, ErrServer) || !strings.Contains(err.Error(), c.Addr()) {
			t.Errorf("%s: %v", url, err)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := open(t, s.URL).Check(ctx); !errors.Is(err, drayhorse.ErrUnavailable) || !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
}

func TestCheckOfOldVersions(t *testing.T) {
	t.Parallel()
	for version, usable := range map[string]bool{"6.2.14": false, "7.0.0": true, "7.2.4": true, "10.1": true} {
		c := open(t, redistest.Shared(t))
		err := c.checkVersion(map[string]string{"redis_version": version})
		if (err == nil) != usable {
			t.Errorf("%s: %v", version, err)
		}
	}
}

// keysOf gives a key for each master of a Cluster, by its address.
func keysOf(t *testing.T, c *Client, masters int) map[string]string {
	t.Helper()
	keys := map[string]string{}
	for i := 0; len(keys) < masters; i++ {
		key := "key" + strconv.Itoa(i)
		addr, _ := c.NodeOf(t.Context(), key)
		keys[addr] = key
	}
	return keys
}

// TestCheckForAsksTheNodesOfTheKeys: a master that stands still, or will not do, is
// nobody's business but of those who need it.
func TestCheckForAsksTheNodesOfTheKeys(t *testing.T) {
	t.Parallel()
	g := redistest.StartCluster(t, 3, 0, redistest.WithConfig("cluster-node-timeout 60000"))
	keys := keysOf(t, open(t, g.URL), 3)
	frozen, evicts, healthy := g.Nodes[0], g.Nodes[1], g.Nodes[2]
	if err := evicts.Client(t).ConfigSet(t.Context(), "maxmemory-policy", "volatile-ttl").Err(); err != nil {
		t.Fatal(err)
	}
	frozen.Pause()
	defer frozen.Resume()
	for range 6 { // which of the seeds is asked for the slots first is by chance
		c := open(t, g.URL)
		if err := c.CheckFor(t.Context(), keys[healthy.Addr]); err != nil {
			t.Fatalf("the healthy node: %v", err)
		}
	}
	c := open(t, g.URL)
	if err := c.CheckFor(t.Context(), keys[healthy.Addr], keys[evicts.Addr]); !errors.Is(err, ErrServer) {
		t.Errorf("one that evicts: %v, want ErrServer", err)
	}
	if err := c.CheckFor(t.Context(), keys[healthy.Addr], keys[frozen.Addr]); !errors.Is(err, drayhorse.ErrUnavailable) {
		t.Errorf("one that stands still: %v, want ErrUnavailable", err)
	}
	if err := healthy.Client(t).ConfigSet(t.Context(), "maxmemory-policy", "volatile-ttl").Err(); err != nil {
		t.Fatal(err)
	}
	if err := c.CheckFor(t.Context(), keys[healthy.Addr]); err != nil {
		t.Errorf("one that has passed is asked again: %v", err)
	}
}
