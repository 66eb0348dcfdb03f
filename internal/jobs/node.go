package jobs

import "context"

// Node gives the address of the Redis node that the partition is on, "" where Redis is
// no Cluster. It reports false if that cannot be said at this moment.
func (p *Partition) Node(ctx context.Context) (addr string, ok bool) {
	return p.engine.client.NodeOf(ctx, p.key(colMeta))
}
