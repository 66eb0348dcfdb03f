package redis

import (
	"context"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	goredis "github.com/redis/go-redis/v9"
)

// Health is what a server says of itself. Fields that it says nothing of are zero, and
// those of sizes and times that it has no bound for.
type Health struct {
	Addr     string        // of a Cluster's master HOST:PORT; else the URL, without secrets
	Version  string        // as in "redis 7.0.15" or "valkey 8.0.1"
	Mode     string        // standalone, sentinel or cluster
	Role     string        // master or slave
	Uptime   time.Duration // since it started
	Took     time.Duration // that a PING took, there and back
	Replicas int           // that are connected

	Clients, Blocked  int     // connections; those that wait for something
	MaxClients        int     // there may be
	Commands          int64   // it ran in the last second
	Memory, MaxMemory int64   // bytes used; bytes allowed, 0: all of the machine
	Fragmentation     float64 // memory of the process by what it uses
	Policy            string  // maxmemory-policy
	Evicted, Rejected int64   // keys evicted, connections refused since it started
	AppendOnly        bool    // it keeps a log
	AppendOnlyFailed  bool    // the last write of the log failed
	SnapshotFailed    bool    // the last snapshot failed
	SnapshotAt        time.Time
	Loading           bool // it reads its data still
	ReplicaLinkIsDown bool // it is a replica and has lost its primary
	Keys              int64
}

// Health asks the server, or each master of a Cluster, what it says of itself, ordered by
// Addr. The error is that of a server that does not answer; the others are given beside it.
func (c *Client) Health(ctx context.Context) ([]Health, error) {
	ctx, cancel := context.WithTimeout(ctx, c.patience)
	defer cancel()
	cluster, ok := c.UniversalClient.(*goredis.ClusterClient)
	if !ok {
		h, err := health(ctx, c.UniversalClient)
		if err != nil {
			return nil, c.explain(err)
		}
		h.Addr = c.addr
		return []Health{h}, nil
	}
	var mu sync.Mutex
	var all []Health
	err := cluster.ForEachMaster(ctx, func(ctx context.Context, node *goredis.Client) error {
		h, err := health(ctx, node)
		if err != nil {
			return err
		}
		h.Addr = node.Options().Addr
		mu.Lock()
		defer mu.Unlock()
		all = append(all, h)
		return nil
	})
	slices.SortFunc(all, func(a, b Health) int { return strings.Compare(a.Addr, b.Addr) })
	return all, c.explain(err)
}

func health(ctx context.Context, node goredis.Cmdable) (Health, error) {
	began := time.Now()
	if err := node.Ping(ctx).Err(); err != nil {
		return Health{}, err
	}
	h := Health{Took: time.Since(began)}
	fields := map[string]string{}
	for _, section := range []string{"server", "clients", "memory", "persistence", "stats", "replication", "keyspace"} {
		some, err := info(ctx, node, section)
		if err != nil {
			return Health{}, err
		}
		for name, value := range some {
			fields[name] = value
		}
	}
	h.read(fields)
	return h, nil
}

// read takes what INFO says.
func (h *Health) read(fields map[string]string) {
	number := func(name string) int64 {
		n, _ := strconv.ParseInt(fields[name], 10, 64)
		return n
	}
	if version := fields["redis_version"]; version != "" {
		h.Version = "redis " + version
	}
	if version := fields["valkey_version"]; version != "" {
		h.Version = "valkey " + version
	}
	h.Mode, h.Role, h.Policy = fields["redis_mode"], fields["role"], fields["maxmemory_policy"]
	h.Uptime = time.Duration(number("uptime_in_seconds")) * time.Second
	h.Replicas, h.Clients, h.Blocked = int(number("connected_slaves")), int(number("connected_clients")), int(number("blocked_clients"))
	h.MaxClients, h.Commands = int(number("maxclients")), number("instantaneous_ops_per_sec")
	h.Memory, h.MaxMemory = number("used_memory"), number("maxmemory")
	h.Fragmentation, _ = strconv.ParseFloat(fields["mem_fragmentation_ratio"], 64)
	h.Evicted, h.Rejected = number("evicted_keys"), number("rejected_connections")
	h.AppendOnly = fields["aof_enabled"] == "1"
	h.AppendOnlyFailed = fields["aof_last_write_status"] == "err"
	h.SnapshotFailed = fields["rdb_last_bgsave_status"] == "err"
	if at := number("rdb_last_save_time"); at > 0 {
		h.SnapshotAt = time.Unix(at, 0)
	}
	h.Loading = fields["loading"] == "1"
	h.ReplicaLinkIsDown = fields["master_link_status"] == "down"
	for name, value := range fields {
		if strings.HasPrefix(name, "db") {
			keys, _, _ := strings.Cut(strings.TrimPrefix(value, "keys="), ",")
			n, _ := strconv.ParseInt(keys, 10, 64)
			h.Keys += n
		}
	}
}
