package lock_test

import (
	"context"
	"errors"
	"fmt"

	"github.com/drayhorse/drayhorse/internal/embedded"
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

// startRedis starts a server for an example.
func startRedis() (url string, stop func()) {
	server, err := embedded.Start("")
	if err != nil {
		panic(err)
	}
	return server.URL(), server.Close
}

func ExampleLocker_Do() {
	url, closeRedis := startRedis() // an application has one
	defer closeRedis()

	locks, err := lock.New(lock.Config{RedisURL: url})
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
	url, closeRedis := startRedis() // an application has one
	defer closeRedis()

	locks, err := lock.New(lock.Config{RedisURL: url})
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
