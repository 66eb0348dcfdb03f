package systems

import (
	"context"
	"encoding/json"
	"sync"
	"time"

	"github.com/google/uuid"
	"github.com/redis/go-redis/v9"
)

// listSession is a queue in a list of Redis, as textbooks have it: LPUSH of JSON, and
// a goroutine for each handler that takes from the other end.
type listSession struct {
	onRedis
	rdb *redis.Client
	pad string
	// take waits for a job, and says how it is done with.
	take func(ctx context.Context, rdb *redis.Client) (job string, done func() error, err error)
}

type listJob struct {
	ID   string          `json:"id"`
	Kind string          `json:"kind"`
	Args json.RawMessage `json:"args"`
}

const listKey = "queue:default"

func openList(ctx context.Context, s Setting) (*listSession, error) {
	if err := flush(ctx, s.Place.Direct); err != nil {
		return nil, err
	}
	opts, err := redis.ParseURL(s.Place.URL)
	if err != nil {
		return nil, err
	}
	opts.PoolSize = s.Concurrency + s.Callers
	return &listSession{onRedis: onRedis{s.Place.Direct}, rdb: redis.NewClient(opts), pad: padding(s.ArgBytes)}, nil
}

// openBRPop makes the queue that loses the jobs of a worker that dies.
func openBRPop(ctx context.Context, s Setting) (Session, error) {
	l, err := openList(ctx, s)
	if err != nil {
		return nil, err
	}
	l.take = func(ctx context.Context, rdb *redis.Client) (string, func() error, error) {
		reply, err := rdb.BRPop(ctx, time.Second, listKey).Result()
		if err != nil {
			return "", nil, err
		}
		return reply[1], func() error { return nil }, nil
	}
	return l, nil
}

func (s *listSession) job(job int) ([]byte, error) {
	return json.Marshal(listJob{ID: uuid.NewString(), Kind: "noop", Args: arguments(job, s.pad)})
}

func (s *listSession) EnqueueMany(ctx context.Context, first, n int) error {
	const batch = 1000
	for last := first + n; first < last; first += batch {
		values := make([]any, min(last-first, batch))
		for i := range values {
			job, err := s.job(first + i)
			if err != nil {
				return err
			}
			values[i] = job
		}
		if err := s.rdb.LPush(ctx, listKey, values...).Err(); err != nil {
			return err
		}
	}
	return nil
}

func (s *listSession) Enqueue(ctx context.Context, n int) error {
	job, err := s.job(n)
	if err != nil {
		return err
	}
	return s.rdb.LPush(ctx, listKey, job).Err()
}

func (s *listSession) Work(ctx context.Context, concurrency int, handle func(job int)) error {
	var wg sync.WaitGroup
	for range concurrency {
		wg.Go(func() {
			for ctx.Err() == nil {
				text, done, err := s.take(ctx, s.rdb)
				if err != nil {
					continue // nothing there for a second, or the end
				}
				var job listJob
				var args noop
				if json.Unmarshal([]byte(text), &job) == nil && json.Unmarshal(job.Args, &args) == nil {
					handle(args.N)
					_ = done()
				}
			}
		})
	}
	wg.Wait()
	return nil
}

func (s *listSession) Close() { _ = s.rdb.Close() }
