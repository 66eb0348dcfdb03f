package store

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"
)

const slots = 16384

// StartCluster runs a Redis Cluster of that many masters, and gives its URL and them.
func StartCluster(ctx context.Context, masters int) (string, []*Store, error) {
	var nodes []*Store
	var addrs []string
	stop := func() {
		for _, n := range nodes {
			n.Stop()
		}
	}
	for i := range masters {
		n, err := redisServer(ctx, "--cluster-enabled", "yes")
		if err != nil {
			stop()
			return "", nil, err
		}
		nodes, addrs = append(nodes, n), append(addrs, hostPort(n.URL))
		n.Direct = n.URL
		if err := join(ctx, nodes, i, masters); err != nil {
			stop()
			return "", nil, err
		}
	}
	for begun := time.Now(); ; time.Sleep(50 * time.Millisecond) {
		err := whole(ctx, nodes)
		if err == nil {
			return "redis+cluster://" + strings.Join(addrs, ","), nodes, nil
		}
		if ctx.Err() != nil || time.Since(begun) > patience {
			stop()
			return "", nil, err
		}
	}
}

// join gives node i its slots and introduces it to the first.
func join(ctx context.Context, nodes []*Store, i, masters int) error {
	client := Client(nodes[i].URL)
	defer func() { _ = client.Close() }()
	if err := client.ClusterAddSlotsRange(ctx, i*slots/masters, (i+1)*slots/masters-1).Err(); err != nil {
		return err
	}
	if err := client.Do(ctx, "cluster", "set-config-epoch", i+1).Err(); err != nil || i == 0 {
		return err
	}
	host, port, _ := strings.Cut(hostPort(nodes[0].URL), ":")
	return client.ClusterMeet(ctx, host, port).Err()
}

// whole says why not all nodes see all others; nil if they do.
func whole(ctx context.Context, nodes []*Store) error {
	for _, n := range nodes {
		client := Client(n.URL)
		info, err := client.ClusterInfo(ctx).Result()
		var shards []redis.ClusterShard
		if err == nil {
			shards, err = client.ClusterShards(ctx).Result()
		}
		_ = client.Close()
		if err != nil {
			return err
		}
		if !strings.Contains(info, "cluster_state:ok") || len(shards) != len(nodes) {
			return errors.New("the Cluster does not come together")
		}
	}
	return nil
}
