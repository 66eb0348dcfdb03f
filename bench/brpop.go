package main

import (
	"context"
	"encoding/json"
	"errors"
	"sync"
	"time"

	"github.com/google/uuid"
	"github.com/redis/go-redis/v9"
)

// brpopSession is the textbook queue: LPUSH of JSON, BRPOP in a goroutine for each
// handler. It loses the jobs of a worker that dies.
type brpopSession struct {
	rdb  *redis.Client
	args json.RawMessage
}

type brpopJob struct {
	ID   string          `json:"id"`
	Kind string          `json:"kind"`
	Args json.RawMessage `json:"args"`
}

const brpopKey = "queue:default"

func openBRPop(url string, w workload) (session, error) {
	opts, err := redis.ParseURL(url)
	if err != nil {
		return nil, err
	}
	opts.PoolSize = w.concurrency + enqueuers
	return &brpopSession{rdb: redis.NewClient(opts), args: arguments(w)}, nil
}

func (s *brpopSession) job() ([]byte, error) {
	return json.Marshal(brpopJob{ID: uuid.NewString(), Kind: "noop", Args: s.args})
}

func (s *brpopSession) enqueueMany(ctx context.Context, n int) error {
	const batch = 1000
	for ; n > 0; n -= batch {
		values := make([]any, min(n, batch))
		for i := range values {
			job, err := s.job()
			if err != nil {
				return err
			}
			values[i] = job
		}
		if err := s.rdb.LPush(ctx, brpopKey, values...).Err(); err != nil {
			return err
		}
	}
	return nil
}

func (s *brpopSession) enqueue(ctx context.Context) error {
	job, err := s.job()
	if err != nil {
		return err
	}
	return s.rdb.LPush(ctx, brpopKey, job).Err()
}

func (s *brpopSession) work(ctx context.Context, concurrency int, handle func()) error {
	var wg sync.WaitGroup
	for range concurrency {
		wg.Go(func() {
			for ctx.Err() == nil {
				reply, err := s.rdb.BRPop(ctx, time.Second, brpopKey).Result()
				if errors.Is(err, redis.Nil) || err != nil {
					continue
				}
				var job brpopJob
				var args noop
				if json.Unmarshal([]byte(reply[1]), &job) == nil && json.Unmarshal(job.Args, &args) == nil {
					handle()
				}
			}
		})
	}
	wg.Wait()
	return nil
}

func (s *brpopSession) close() { _ = s.rdb.Close() }
