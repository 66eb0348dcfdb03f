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

// Stretch is how many times as long as on a quiet machine a thing may take where
// others keep the processors and the disk busy.
const Stretch = 10

const (
	// margin is what a wait leaves of the time of a test binary, to say what it
	// waited for and to clean up.
	margin = 20 * time.Second
	// unlimited is how long a rig is set up where the test has no end of its own.
	unlimited = 10 * time.Minute
	// patience is how long servers of a group wait for each other before they take one
	// for dead, as long as no test makes one dead.
	patience = time.Minute
	// sayEvery is how often a wait says that it goes on.
	sayEvery = 10 * time.Second
)

// Eventually waits until fact is true, and stops the test if it does not become true.
// What names the fact in the message. Usual is the time that it takes at most on a
// quiet machine: it may take [Stretch] times as long, within what is left to the test
// binary. A test of a promised time has to judge that by itself.
func Eventually(tb testing.TB, usual time.Duration, what string, fact func() bool) {
	tb.Helper()
	w, cancel := waitFor(tb, Stretch*usual)
	defer cancel()
	if err := w.until(what, func() (bool, error) { return fact(), nil }); err != nil {
		tb.Fatal(err)
	}
}

// wait is for how long somebody waits for facts, and where they say so.
type wait struct {
	ctx context.Context
	say func(format string, args ...any)
}

// waitFor is a wait of a test: so long, and not longer than the test binary has time.
func waitFor(tb testing.TB, limit time.Duration) (wait, context.CancelFunc) {
	if own, ok := tb.(interface{ Deadline() (time.Time, bool) }); ok { // of testing.T alone
		if end, ok := own.Deadline(); ok {
			limit = min(limit, time.Until(end)-margin)
		}
	}
	ctx, cancel := context.WithTimeout(tb.Context(), limit)
	return wait{ctx, tb.Logf}, cancel
}

// until waits for fact. An error of fact is no reason to give up before the time is
// over. What names the fact, in what is said meanwhile and in the error.
func (w wait) until(what string, fact func() (bool, error)) error {
	begun := time.Now()
	reminder := time.NewTicker(sayEvery)
	defer reminder.Stop()
	for {
		ok, err := fact()
		if ok && err == nil {
			return nil
		}
		select {
		case <-w.ctx.Done():
			return errors.Join(fmt.Errorf("not within %v: %s", time.Since(begun).Round(time.Millisecond), what), err)
		case <-reminder.C:
			w.say("redistest: waiting for %v: %s (%v)", time.Since(begun).Round(time.Second), what, err)
		case <-time.After(5 * time.Millisecond):
		}
	}
}

// untilAll waits until fact is true of every server.
func (w wait) untilAll(servers []*Server, what string, fact func(context.Context, *goredis.Client) (bool, error)) error {
	for _, s := range servers {
		client := goredis.NewClient(s.options())
		err := w.until(what+" at "+s.Addr, func() (bool, error) { return fact(w.ctx, client) })
		_ = client.Close()
		if err != nil {
			return fmt.Errorf("%w\n%s", err, s.process.log())
		}
	}
	return nil
}

// follows says whether a replica is in touch with its primary.
func follows(ctx context.Context, client *goredis.Client) (bool, error) {
	info, err := client.Info(ctx, "replication").Result()
	return strings.Contains(info, "master_link_status:up"), err
}
