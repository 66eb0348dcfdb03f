package systems

import (
	"context"
	"time"

	"github.com/redis/go-redis/v9"
)

const processingKey = "queue:default:processing"

// openBLMove makes the queue that keeps what runs in a second list.
func openBLMove(ctx context.Context, s Setting) (Session, error) {
	l, err := openList(ctx, s)
	if err != nil {
		return nil, err
	}
	l.take = func(ctx context.Context, rdb *redis.Client) (string, func() error, error) {
		job, err := rdb.BLMove(ctx, listKey, processingKey, "RIGHT", "LEFT", time.Second).Result()
		done := func() error { return rdb.LRem(context.WithoutCancel(ctx), processingKey, -1, job).Err() }
		return job, done, err
	}
	return l, nil
}
