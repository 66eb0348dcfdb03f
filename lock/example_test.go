package lock_test

import (
	"context"
	"errors"
	"fmt"

	"github.com/alicebob/miniredis/v2"

	"github.com/drayhorse/drayhorse/lock"
)

// report is a resource that refuses a holder older than the last one.
type report struct {
	text  string
	token int64
}

func (r *report) write(text string, token int64) error {
	if token < r.token {
		return errors.New("a newer holder has written")
	}
	r.text, r.token = text, token
	return nil
}

func ExampleLocker_Do() {
	server := miniredis.NewMiniRedis() // stands for a Redis server
	if err := server.Start(); err != nil {
		panic(err)
	}
	defer server.Close()

	locks, err := lock.New(lock.Config{RedisURL: "redis://" + server.Addr()})
	if err != nil {
		panic(err)
	}
	defer locks.Close()

	var r report
	err = locks.Do(context.Background(), "report", func(ctx context.Context, token int64) error {
		if err := ctx.Err(); err != nil {
			return err // the lock was lost
		}
		return r.write("all is well", token)
	})
	fmt.Println(r.text, err)
	// Output: all is well <nil>
}

func ExampleLocker_TryDo() {
	server := miniredis.NewMiniRedis() // stands for a Redis server
	if err := server.Start(); err != nil {
		panic(err)
	}
	defer server.Close()

	locks, err := lock.New(lock.Config{RedisURL: "redis://" + server.Addr()})
	if err != nil {
		panic(err)
	}
	defer locks.Close()

	ctx := context.Background()
	err = locks.Do(ctx, "cleanup", func(ctx context.Context, _ int64) error {
		return locks.TryDo(ctx, "cleanup", func(context.Context, int64) error { return nil })
	})
	fmt.Println(errors.Is(err, lock.ErrLocked))
	// Output: true
}
