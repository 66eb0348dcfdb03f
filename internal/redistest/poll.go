package redistest

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	goredis "github.com/redis/go-redis/v9"
)

// Eventually waits until fact is true, and stops the test if it is not within
// that time. What names the fact in the message.
func Eventually(tb testing.TB, within time.Duration, what string, fact func() bool) {
	tb.Helper()
	ctx, cancel := context.WithTimeout(tb.Context(), within)
	defer cancel()
	if err := poll(ctx, func() (bool, error) { return fact(), nil }); err != nil {
		tb.Fatalf("not within %v: %s", within, what)
	}
}

// poll waits until fact is true. An error of fact is no reason to give up before
// ctx ends.
func poll(ctx context.Context, fact func() (bool, error)) error {
	for {
		ok, err := fact()
		if ok && err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return errors.Join(ctx.Err(), err)
		case <-time.After(5 * time.Millisecond):
		}
	}
}

// pollServers waits until fact is true of every server. What names the fact in
// the error.
func pollServers(ctx context.Context, servers []*Server, what string, fact func(context.Context, *goredis.Client) (bool, error)) error {
	for _, s := range servers {
		client := goredis.NewClient(s.options())
		err := poll(ctx, func() (bool, error) { return fact(ctx, client) })
		_ = client.Close()
		if err != nil {
			return fmt.Errorf("%s shows no sign of %s: %w\n%s", s.Addr, what, err, s.process.log())
		}
	}
	return nil
}

// follows says whether a replica is in touch with its primary.
func follows(ctx context.Context, client *goredis.Client) (bool, error) {
	info, err := client.Info(ctx, "replication").Result()
	return strings.Contains(info, "master_link_status:up"), err
}
