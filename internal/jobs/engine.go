package jobs

import (
	"context"
	"sync"

	"github.com/drayhorse/drayhorse/internal/redis"
)

// MaxPartitions is the largest number of partitions of a queue.
const MaxPartitions = 1024

// Engine is the only owner of the keys of queues. It keeps no jobs and no
// goroutines; any number of engines work on the same namespace.
type Engine struct {
	client    *redis.Client
	namespace string

	mu     sync.RWMutex
	queues map[string]*queue // the known ones, by name
	round  []string          // names that KeepSome is still to look at
}

// New makes an engine. It does not connect.
func New(client *redis.Client, namespace string) *Engine {
	return &Engine{client: client, namespace: namespace, queues: map[string]*queue{}}
}

// Client is the connection that the engine works on.
func (e *Engine) Client() *redis.Client { return e.client }

// Check asks the nodes of Redis that have these queues, and the one that has the
// registry, whether they can hold jobs, each until it has passed; see
// redis.Client.CheckFor. A Cluster may do without the registry's: note.go.
func (e *Engine) Check(ctx context.Context, queues ...[]*Partition) error {
	if err := e.checkRegistry(ctx); err != nil {
		return err
	}
	var keys []string
	for _, partitions := range queues {
		for _, p := range partitions {
			keys = append(keys, p.key(colJobs))
		}
	}
	return e.client.CheckFor(ctx, keys...)
}

func (e *Engine) checkRegistry(ctx context.Context) error {
	if !e.client.IsCluster() {
		return e.client.CheckFor(ctx, e.registryKey())
	}
	answered, err := e.soon(ctx, func(ctx context.Context) error { return e.client.CheckFor(ctx, e.registryKey()) })
	if answered {
		return err
	}
	return ctx.Err()
}

// Check asks the node of Redis that has the partition whether it can hold jobs.
func (p *Partition) Check(ctx context.Context) error {
	return p.engine.client.CheckFor(ctx, p.key(colJobs))
}

// run runs one script on a partition and gives its failure the sentinel that it
// stands for.
func (p *Partition) run(ctx context.Context, s *script, args ...any) (any, error) {
	value, err := p.engine.client.Run(ctx, s.call(p, args...))
	return value, failure(s.Name, err)
}
