package producer_test

import (
	"context"
	"errors"
	"flag"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/drayhorse/drayhorse"
	"github.com/drayhorse/drayhorse/internal/redistest"
	"github.com/drayhorse/drayhorse/producer"
)

// waitAll waits for jobs, each in a goroutine of its own, and gives the first error.
func waitAll(p *producer.Producer, ids []string) <-chan error {
	done := make(chan error, 1)
	var all sync.WaitGroup
	failed := make(chan error, len(ids))
	for _, id := range ids {
		all.Go(func() {
			info, err := p.Wait(context.Background(), id, drayhorse.Queue("q"))
			if err == nil && info.State != drayhorse.Cancelled {
				err = errors.New("it was " + string(info.State))
			}
			if err != nil {
				failed <- err
			}
		})
	}
	go func() {
		all.Wait()
		close(failed)
		done <- <-failed
	}()
	return done
}

func enqueueMany(t *testing.T, p *producer.Producer, n int) (ids []string) {
	t.Helper()
	specs := make([]drayhorse.Spec, n)
	for i := range specs {
		specs[i] = drayhorse.Spec{Args: welcome{}, Options: []drayhorse.Option{drayhorse.Queue("q"), drayhorse.In(time.Hour)}}
	}
	infos, err := p.EnqueueMany(t.Context(), specs)
	if err != nil {
		t.Fatal(err)
	}
	for _, info := range infos {
		ids = append(ids, info.ID)
	}
	return ids
}

// waiting waits until Redis knows that n jobs are waited for.
func waiting(t *testing.T, server *redistest.Server, n int) {
	t.Helper()
	client := server.Client(t)
	redistest.Eventually(t, 5*time.Second, "all waits are known", func() bool {
		return client.HLen(t.Context(), "drayhorse:{q}:reports").Val() == int64(n)+1 // and the filler
	})
}

func cancelAll(t *testing.T, p *producer.Producer, ids []string) {
	t.Helper()
	for _, id := range ids {
		if err := p.Cancel(t.Context(), id, drayhorse.Queue("q")); err != nil {
			t.Fatal(err)
		}
	}
}

func ended(t *testing.T, done <-chan error, within time.Duration) {
	t.Helper()
	select {
	case err := <-done:
		if err != nil {
			t.Fatal(err)
		}
	case <-time.After(within):
		t.Fatal("the waits do not end")
	}
}

// waits is how many waits TestManyWaitsShareOneSubscription makes.
var waits = flag.Int("waits", 2000, "waits that share a subscription")

// TestManyWaitsShareOneSubscription: what they cost is a call for a hundred, and one more
// for each ten whose end is kept. While nothing ends, nothing is asked but once in 30 s.
func TestManyWaitsShareOneSubscription(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t)
	p := open(t, producer.Config{RedisURL: server.URL})
	n := *waits
	ids := enqueueMany(t, p, n)
	client := server.Client(t)
	calls := func() int {
		text, err := client.Info(t.Context(), "commandstats").Result()
		if err != nil {
			t.Fatal(err)
		}
		return callsOf(text, "evalsha") + callsOf(text, "eval")
	}
	before := calls()
	done := waitAll(p, ids)
	waiting(t, server, n)
	registered := calls() - before
	list, err := client.Do(t.Context(), "client", "list", "type", "pubsub").Text()
	if err != nil || strings.Count(list, "\n") != 1 {
		t.Errorf("%d subscriptions, want one: %v", strings.Count(list, "\n"), err)
	}
	before = calls()
	time.Sleep(time.Second) // nothing is to happen
	asked := calls() - before
	before = calls()
	cancelAll(t, p, ids)
	ended(t, done, time.Minute)
	fetched := calls() - before - n
	t.Logf("%d waits: %d calls to wait, %d meanwhile, %d to learn how they ended", n, registered, asked, fetched)
	if registered > n/2 || asked > n/2 || fetched > n {
		t.Errorf("%d calls to wait, %d meanwhile and %d to learn how %d jobs ended", registered, asked, fetched, n)
	}
	if left := client.Exists(t.Context(), "drayhorse:{q}:reports").Val(); left != 0 {
		t.Error("something is left of the waits")
	}
}

// callsOf reads how often a command was called.
func callsOf(stats, command string) (n int) {
	_, rest, _ := strings.Cut(stats, "cmdstat_"+command+":calls=")
	for _, c := range rest {
		if c < '0' || c > '9' {
			break
		}
		n = 10*n + int(c-'0')
	}
	return n
}

// TestWaitsSurviveALostConnection: what ended meanwhile is looked up when it is back.
func TestWaitsSurviveALostConnection(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t)
	proxy := redistest.NewProxy(t, server.Addr)
	p := open(t, producer.Config{RedisURL: "redis://" + proxy.Addr})
	other := open(t, producer.Config{RedisURL: server.URL})
	ids := enqueueMany(t, p, 20)
	done := waitAll(p, ids)
	waiting(t, server, len(ids))
	proxy.Refuse()
	proxy.CloseAll()
	cancelAll(t, other, ids)
	proxy.Resume()
	ended(t, done, 25*time.Second) // sooner than it looks by itself
}

// TestWaitsSurviveAFrozenConnection, over which nothing comes any more.
func TestWaitsSurviveAFrozenConnection(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t)
	proxy := redistest.NewProxy(t, server.Addr)
	p := open(t, producer.Config{RedisURL: "redis://" + proxy.Addr})
	other := open(t, producer.Config{RedisURL: server.URL})
	ids := enqueueMany(t, p, 20)
	done := waitAll(p, ids)
	waiting(t, server, len(ids))
	proxy.Freeze()
	cancelAll(t, other, ids)
	proxy.CloseAll()
	proxy.Resume()
	ended(t, done, 25*time.Second)
}

func TestWaitsSurviveAFailover(t *testing.T) {
	t.Parallel()
	group := redistest.StartSentinel(t)
	p := open(t, producer.Config{RedisURL: group.URL})
	ids := enqueueMany(t, p, 20)
	done := waitAll(p, ids)
	waiting(t, group.Primary(t), len(ids))
	redistest.Eventually(t, 5*time.Second, "the replica has all", func() bool {
		for _, s := range group.Data {
			if s.Client(t).HLen(t.Context(), "drayhorse:{q}:reports").Val() != int64(len(ids))+1 {
				return false
			}
		}
		return true
	})
	group.KillPrimary(t)
	redistest.Eventually(t, 30*time.Second, "all are cancelled", func() bool {
		for _, id := range ids {
			err := p.Cancel(t.Context(), id, drayhorse.Queue("q"))
			if err != nil && !errors.Is(err, drayhorse.ErrEnded) {
				return false
			}
		}
		return true
	})
	ended(t, done, time.Minute)
}

func TestWaitOnACluster(t *testing.T) {
	t.Parallel()
	namespace := redistest.Namespace(t)
	url := redistest.SharedCluster(t)
	p := open(t, producer.Config{RedisURL: url, Namespace: namespace})
	var all []<-chan error
	for _, queue := range []string{"a", "b", "c", "d", "e", "f"} { // on several nodes
		info, err := p.Enqueue(t.Context(), welcome{}, drayhorse.Queue(queue), drayhorse.In(time.Hour))
		if err != nil {
			t.Fatal(err)
		}
		done := make(chan error, 1)
		go func() {
			_, err := p.Wait(context.Background(), info.ID)
			done <- err
		}()
		all = append(all, done)
		time.AfterFunc(100*time.Millisecond, func() { _ = p.Cancel(context.Background(), info.ID) })
	}
	for _, done := range all {
		ended(t, done, 25*time.Second)
	}
}

func TestCloseEndsWaits(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t)
	p, err := producer.New(producer.Config{RedisURL: server.URL})
	if err != nil {
		t.Fatal(err)
	}
	ids := enqueueMany(t, p, 1)
	done := waitAll(p, ids)
	waiting(t, server, 1)
	if err := p.Close(); err != nil {
		t.Error(err)
	}
	if err := <-done; !errors.Is(err, drayhorse.ErrClosed) {
		t.Errorf("error = %v, want ErrClosed", err)
	}
	if _, err := p.Wait(t.Context(), ids[0]); !errors.Is(err, drayhorse.ErrClosed) {
		t.Errorf("error = %v, want ErrClosed", err)
	}
}

func TestWaitWithoutRedis(t *testing.T) {
	t.Parallel()
	p := open(t, producer.Config{RedisURL: "redis://" + redistest.FreeAddr(t)})
	begun := time.Now()
	if _, err := p.Wait(t.Context(), "x", drayhorse.Queue("q")); !errors.Is(err, drayhorse.ErrUnavailable) {
		t.Errorf("error = %v, want ErrUnavailable", err)
	}
	if took := time.Since(begun); took > redistest.Stretch*8*time.Second {
		t.Errorf("it took %v", took)
	}
}
