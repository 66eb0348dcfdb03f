package redis

import (
	"context"

	goredis "github.com/redis/go-redis/v9"
)

// NodeOf gives the address of the master that a key is on, "" where Redis is no Cluster,
// as far as the client knows: it asks Redis only where it has no map of the slots. It
// reports false if that cannot be said.
func (c *Client) NodeOf(ctx context.Context, key string) (addr string, ok bool) {
	cluster, ok := c.UniversalClient.(*goredis.ClusterClient)
	if !ok {
		return "", true
	}
	node, err := cluster.MasterForKey(ctx, key)
	if err != nil {
		return "", false
	}
	return node.Options().Addr, true
}
