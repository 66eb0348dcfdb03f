package chaos

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	goredis "github.com/redis/go-redis/v9"

	"github.com/drayhorse/drayhorse/internal/redistest"
)

var partitionRows = []row{
	{name: "sentinel-partitioned", target: "0 lost with WAIT", island: true, run: func(r *rig) { partitioned(r, true) }},
	{name: "sentinel-partitioned-async", target: "without WAIT: the loss is measured", island: true, run: func(r *rig) { partitioned(r, false) }},
	{name: "sentinel-partitioned-min-replicas", target: "min-replicas-to-write 1 without WAIT: the loss is measured", island: true, run: func(r *rig) {
		partitioned(r, false, "--min-replicas-to-write", "1", "--min-replicas-max-lag", "1")
	}},
}

// islandEnv is set in the test that runs in a network of its own.
const islandEnv = "DRAYHORSE_CHAOS_ISLAND"

// playOnIsland runs a row in a network namespace of its own, where addresses can be cut
// off from each other, by this binary run again.
func playOnIsland(t *testing.T, row *row, seed uint64) *result {
	t.Helper()
	res := &result{row: row, seed: seed, begin: time.Now()}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	if err := run("unshare", "--net", "ip", "link", "set", "lo", "up"); err != nil {
		res.skipped = "no network namespace: " + err.Error()
		t.Skip(res.skipped)
	}
	report := filepath.Join(t.TempDir(), "report")
	cmd := exec.Command("unshare", "--net", "sh", "-c", `ip link set lo up && exec "$0" "$@"`, self,
		"-test.run", "^TestMatrix$", "-test.v", "-row", row.name, "-seed", fmt.Sprint(seed), "-report", report)
	cmd.Env, cmd.SysProcAttr = append(os.Environ(), islandEnv+"=1"), dieWithParent()
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Errorf("%v\n%s", err, out)
	}
	t.Logf("%s", out)
	if text, err := os.ReadFile(report); err == nil {
		lines := strings.Split(strings.TrimSpace(string(text)), "\n")
		res.line = lines[len(lines)-1]
	}
	return res
}

// archipelago is a Sentinel group of three nodes, each with an address of its own.
type archipelago struct{ rig *rig }

const (
	islands    = 3
	groupName  = "drayhorse-primary"
	dataPort   = "6379"
	votersPort = "26379"
)

func addressOf(i int) string { return fmt.Sprintf("127.0.1.%d", i+1) }

// startArchipelago starts the group. The first node is the primary.
func startArchipelago(r *rig, conf []string) *archipelago {
	r.Helper()
	a := &archipelago{r}
	for i := range islands {
		address := addressOf(i)
		args := []string{
			"--port", dataPort, "--bind", address, "--bind-source-addr", address, "--replica-announce-ip", address,
			"--save", "", "--protected-mode", "no", "--repl-diskless-sync-delay", "0", "--dir", r.TempDir(),
			"--repl-ping-replica-period", "1",
		}
		if i > 0 {
			args = append(args, "--replicaof", addressOf(0)+" "+dataPort)
		}
		a.start(append(args, conf...))
		a.await(i, dataPort, "role:")
	}
	for i := 1; i < islands; i++ {
		a.await(i, dataPort, "master_link_status:up")
	}
	for i := range islands {
		file := filepath.Join(r.TempDir(), "sentinel.conf")
		text := strings.Join([]string{
			"port " + votersPort, "bind " + addressOf(i), "bind-source-addr " + addressOf(i), "protected-mode no",
			"sentinel announce-ip " + addressOf(i),
			"sentinel monitor " + groupName + " " + addressOf(0) + " " + dataPort + " 2",
			"sentinel down-after-milliseconds " + groupName + " 1000", "sentinel failover-timeout " + groupName + " 3000",
		}, "\n")
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			r.Fatal(err)
		}
		a.start([]string{file, "--sentinel"})
	}
	for i := range islands {
		a.await(i, votersPort, "slaves=2,sentinels=3")
	}
	return a
}

// start starts a server; it ends with the row.
func (a *archipelago) start(args []string) {
	a.rig.Helper()
	cmd := exec.Command("redis-server", args...)
	cmd.SysProcAttr = dieWithParent()
	if err := cmd.Start(); err != nil {
		a.rig.Fatal(err)
	}
	a.rig.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
}

// await waits until a server says something in its INFO.
func (a *archipelago) await(i int, port, word string) {
	a.rig.Helper()
	client := goredis.NewClient(&goredis.Options{Addr: addressOf(i) + ":" + port, Protocol: 2, DisableIdentity: true})
	defer func() { _ = client.Close() }()
	redistest.Eventually(a.rig.T, patience, addressOf(i)+" says "+word, func() bool {
		info, err := client.Info(a.rig.Context()).Result()
		return err == nil && strings.Contains(info, word)
	})
}

// url leads to the group by the sentinels of some nodes.
func (a *archipelago) url(nodes ...int) string {
	var addresses []string
	for _, i := range nodes {
		addresses = append(addresses, addressOf(i)+":"+votersPort)
	}
	return "redis+sentinel://" + strings.Join(addresses, ",") + "/" + groupName
}

// cut has nothing pass between the first node and the others, until mend.
func (a *archipelago) cut() {
	a.rig.Helper()
	a.rules("add")
	a.rig.mark("the primary is cut off from the other nodes")
}

func (a *archipelago) mend() {
	a.rig.Helper()
	a.rules("del")
	a.rig.mark("the network is whole again")
}

// rules change the routing policy. The rule of local addresses, which comes before
// all others, is moved behind ours first.
func (a *archipelago) rules(verb string) {
	a.rig.Helper()
	commands := [][]string{}
	if verb == "add" {
		commands = [][]string{{"add", "pref", "1000", "lookup", "local"}, {"del", "pref", "0"}}
	}
	for i := 1; i < islands; i++ {
		there, back := []string{"from", addressOf(0), "to", addressOf(i)}, []string{"from", addressOf(i), "to", addressOf(0)}
		for _, way := range [][]string{there, back} {
			commands = append(commands, append(append([]string{verb, "pref", "10"}, way...), "blackhole"))
		}
	}
	for _, c := range commands {
		if err := run("ip", append([]string{"rule"}, c...)...); err != nil {
			a.rig.Fatal(err)
		}
	}
}

// partitioned cuts the primary off, with a producer on its side that knows nobody
// else, and one on the other side.
func partitioned(r *rig, wait bool, conf ...string) {
	traffic := r.replicas(wait)
	a := startArchipelago(r, conf)
	r.at(a.url(1, 2))
	r.worker()
	r.worker()
	many := func(p *plan) { p.Callers = 50 }
	r.producer(4000, 200, traffic, many)
	r.producer(4000, 200, traffic, many, through(a.url(0)))
	r.pause(4 * time.Second)
	a.cut()
	r.pause(8 * time.Second)
	a.mend()
	r.settle()
	r.loss()
}
