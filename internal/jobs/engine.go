package jobs

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"sync"

	goredis "github.com/redis/go-redis/v9"

	"github.com/drayhorse/drayhorse"
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
	queues map[string][]*Partition // the known ones, by name
}

// New makes an engine. It does not connect.
func New(client *redis.Client, namespace string) *Engine {
	return &Engine{client: client, namespace: namespace, queues: map[string][]*Partition{}}
}

// Client is the connection that the engine works on.
func (e *Engine) Client() *redis.Client { return e.client }

func (e *Engine) registryKey() string { return e.namespace + ":queues" }

// Queue gives the partitions of a queue, and creates it with one partition where
// there is none of that name.
func (e *Engine) Queue(ctx context.Context, name string) ([]*Partition, error) {
	return e.CreateQueue(ctx, name, 1)
}

// CreateQueue makes sure that a queue exists and gives its partitions. How many
// there are is fixed by whoever came first.
func (e *Engine) CreateQueue(ctx context.Context, name string, partitions int) ([]*Partition, error) {
	if known, ok := e.known(name); ok {
		return known, nil
	}
	if err := drayhorse.ValidateQueue(name); err != nil {
		return nil, err
	}
	if partitions < 1 || partitions > MaxPartitions {
		return nil, fmt.Errorf("%w: %d partitions; want 1 to %d", drayhorse.ErrInvalid, partitions, MaxPartitions)
	}
	if err := e.client.HSetNX(ctx, e.registryKey(), name, partitions).Err(); err != nil {
		return nil, failure("create queue", err)
	}
	n, err := e.client.HGet(ctx, e.registryKey(), name).Int()
	if err != nil {
		return nil, failure("look up queue", err)
	}
	return e.learn(name, n)
}

// Lookup gives the partitions of a queue that exists. The error is
// drayhorse.ErrNotFound.
func (e *Engine) Lookup(ctx context.Context, name string) ([]*Partition, error) {
	if known, ok := e.known(name); ok {
		return known, nil
	}
	if err := drayhorse.ValidateQueue(name); err != nil {
		return nil, err
	}
	n, err := e.client.HGet(ctx, e.registryKey(), name).Int()
	if errors.Is(err, goredis.Nil) {
		return nil, fmt.Errorf("%w: queue %q", drayhorse.ErrNotFound, name)
	}
	if err != nil {
		return nil, failure("look up queue", err)
	}
	return e.learn(name, n)
}

// Meet asks for many queues in one call, so that neither Queue nor Lookup has to ask
// for those that exist. It creates none.
func (e *Engine) Meet(ctx context.Context, names []string) error {
	values, err := e.client.HMGet(ctx, e.registryKey(), names...).Result()
	if err != nil {
		return failure("look up queues", err)
	}
	for i, name := range names[:min(len(names), len(values))] {
		if n, err := strconv.Atoi(asString(values[i])); err == nil { // if not, Queue says so
			if _, err := e.learn(name, n); err != nil {
				return err
			}
		}
	}
	return nil
}

// Queues gives the partitions of all queues, ordered by name.
func (e *Engine) Queues(ctx context.Context) ([][]*Partition, error) {
	all, err := e.client.HGetAll(ctx, e.registryKey()).Result()
	if err != nil {
		return nil, failure("list queues", err)
	}
	queues := make([][]*Partition, 0, len(all))
	for name, value := range all {
		n, err := strconv.Atoi(value)
		if err != nil {
			return nil, fmt.Errorf("queue %q: %q partitions in the registry", name, value)
		}
		partitions, err := e.learn(name, n)
		if err != nil {
			return nil, err
		}
		queues = append(queues, partitions)
	}
	slices.SortFunc(queues, func(a, b []*Partition) int {
		if a[0].Queue < b[0].Queue {
			return -1
		}
		return 1
	})
	return queues, nil
}

func (e *Engine) known(name string) ([]*Partition, bool) {
	e.mu.RLock()
	defer e.mu.RUnlock()
	partitions, ok := e.queues[name]
	return partitions, ok
}

func (e *Engine) learn(name string, n int) ([]*Partition, error) {
	if n < 1 || n > MaxPartitions {
		return nil, fmt.Errorf("queue %q: %d partitions in the registry; want 1 to %d", name, n, MaxPartitions)
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if known, ok := e.queues[name]; ok {
		return known, nil
	}
	partitions := make([]*Partition, n)
	for i := range partitions {
		partitions[i] = newPartition(e, name, i)
	}
	e.queues[name] = partitions
	return partitions, nil
}

// run runs one script on a partition and gives its failure the sentinel that it
// stands for.
func (p *Partition) run(ctx context.Context, s *script, args ...any) (any, error) {
	value, err := p.engine.client.Run(ctx, s.call(p, args...))
	return value, failure(s.Name, err)
}
