package chaos

import (
	"context"
	"net"
	"strconv"
	"strings"
	"time"

	goredis "github.com/redis/go-redis/v9"

	"github.com/drayhorse/drayhorse/internal/redistest"
)

var clusterRows = []row{
	{name: "cluster-killed", target: "0 lost with WAIT; gap <= 6 s", run: func(r *rig) { clusterKilled(r, true) }},
	{name: "cluster-killed-async", target: "gap <= 6 s; without WAIT the loss is measured", run: func(r *rig) { clusterKilled(r, false) }},
	{name: "cluster-migrated", target: "no error reaches a caller; gap <= 6 s", run: clusterMigrated},
}

// clusterGap is for how long at most nothing may be acknowledged.
const clusterGap = 6 * time.Second

// clusterKilled kills the master that has the queue.
func clusterKilled(r *rig, wait bool) {
	traffic, each := r.replicas(wait), 1
	if wait {
		each = 2 // the one that is left when the other is the master
	}
	c := redistest.StartCluster(r.T, 3, each)
	r.at(c.URL)
	r.worker()
	r.worker()
	r.producer(4000, 200, traffic, func(p *plan) { p.Callers = 50 })
	r.pause(time.Duration(3000+r.random.IntN(1000)) * time.Millisecond)
	slot := r.slot(c)
	master := r.masterOf(c, slot)
	at := r.mark("the master of the queue killed")
	c.Kill(r.T, master)
	r.settle()
	r.within("longest time without an acknowledgement", r.history.gap(acknowledged, at, at.Add(10*time.Second)), clusterGap)
	r.atMost("calls after the gap that failed", len(r.history.failedSince(at.Add(clusterGap))), 0)
	r.loss()
}

// slot gives the slot of the queue.
func (r *rig) slot(c *redistest.Cluster) int {
	r.Helper()
	return r.slotOfKey(c, r.namespace+":{default}:jobs")
}

func (r *rig) slotOfKey(c *redistest.Cluster, key string) int {
	r.Helper()
	n, err := c.Client(r.T).ClusterKeySlot(r.Context(), key).Result()
	if err != nil {
		r.Fatal(err)
	}
	return int(n)
}

func (r *rig) masterOfKey(c *redistest.Cluster, key string) int {
	r.Helper()
	return r.masterOf(c, r.slotOfKey(c, key))
}

// masterOf gives the index of the node that serves a slot.
func (r *rig) masterOf(c *redistest.Cluster, slot int) int {
	r.Helper()
	shards, err := c.Client(r.T).ClusterShards(r.Context()).Result()
	if err != nil {
		r.Fatal(err)
	}
	for _, shard := range shards {
		for _, slots := range shard.Slots {
			if int64(slot) < slots.Start || int64(slot) > slots.End {
				continue
			}
			for _, node := range shard.Nodes {
				if node.Role == "master" && node.Health == "online" {
					return r.nodeAt(c, node.Port)
				}
			}
		}
	}
	r.Fatalf("nobody serves slot %d", slot)
	return 0
}

// nodeAt gives the index of the node with a port.
func (r *rig) nodeAt(c *redistest.Cluster, port int64) int {
	r.Helper()
	for i, node := range c.Nodes {
		if strings.HasSuffix(node.Addr, ":"+strconv.FormatInt(port, 10)) {
			return i
		}
	}
	r.Fatalf("no node of the Cluster has port %d", port)
	return 0
}

// clusterMigrated moves the slot of the queue from master to master while jobs flow.
func clusterMigrated(r *rig) {
	c := redistest.StartCluster(r.T, 3, 1)
	r.at(c.URL)
	r.worker()
	r.worker()
	r.producer(3000, 200, func(p *plan) { p.Callers = 50 })
	begin := time.Now()
	slot := r.slot(c)
	for range 3 {
		r.pause(2 * time.Second)
		from := r.masterOf(c, slot)
		to := (from + 1) % 3
		keys := r.migrate(c, slot, from, to)
		r.mark("slot %d moved from node %d to %d, %d keys", slot, from, to, keys)
	}
	end := time.Now()
	v := r.settle()
	r.within("longest time without an acknowledgement", r.history.gap(acknowledged, begin, end), clusterGap)
	r.atMost("calls that failed", len(r.history.of(unsure)), 0)
	r.atMost("re-run", len(v.Rerun), 0)
}

// migrate moves a slot, key by key, as redis-cli does.
func (r *rig) migrate(c *redistest.Cluster, slot, from, to int) int {
	r.Helper()
	ctx := r.Context()
	source, target := c.Nodes[from].Client(r.T), c.Nodes[to].Client(r.T)
	ids := []string{r.nodeID(source), r.nodeID(target)}
	r.do(target, "cluster", "setslot", slot, "importing", ids[0])
	r.do(source, "cluster", "setslot", slot, "migrating", ids[1])
	host, port, err := net.SplitHostPort(c.Nodes[to].Addr)
	if err != nil {
		r.Fatal(err)
	}
	moved := 0
	for {
		keys, err := source.ClusterGetKeysInSlot(ctx, slot, 1).Result()
		if err != nil {
			r.Fatal(err)
		}
		if len(keys) == 0 {
			break
		}
		r.do(source, "migrate", host, port, keys[0], 0, 5000)
		moved++
		r.pause(20 * time.Millisecond) // so that calls meet a slot that is half here, half there
	}
	r.do(target, "cluster", "setslot", slot, "node", ids[1])
	for i, node := range c.Nodes {
		if i != to && r.isMaster(node.Client(r.T)) {
			r.do(node.Client(r.T), "cluster", "setslot", slot, "node", ids[1])
		}
	}
	return moved
}

func (r *rig) nodeID(client *goredis.Client) string {
	r.Helper()
	id, err := client.Do(r.Context(), "cluster", "myid").Text()
	if err != nil {
		r.Fatal(err)
	}
	return id
}

func (r *rig) isMaster(client *goredis.Client) bool {
	info, err := client.Info(context.WithoutCancel(r.Context()), "replication").Result()
	return err == nil && strings.Contains(info, "role:master")
}

func (r *rig) do(client *goredis.Client, args ...any) {
	r.Helper()
	if err := client.Do(r.Context(), args...).Err(); err != nil {
		r.Fatalf("%v: %v", args, err)
	}
}
