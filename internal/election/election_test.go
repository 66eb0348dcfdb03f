package election

import (
	"bufio"
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	goredis "github.com/redis/go-redis/v9"

	"github.com/drayhorse/drayhorse"
	"github.com/drayhorse/drayhorse/internal/lock"
	"github.com/drayhorse/drayhorse/internal/redis"
	"github.com/drayhorse/drayhorse/internal/redistest"
)

// The environment of a child process: this test binary, run again.
const (
	childURL       = "ELECTION_TEST_URL"
	childNamespace = "ELECTION_TEST_NAMESPACE"
)

const (
	patience = 20 * time.Second
	ttl      = 10 * time.Second // a living leader survives a busy machine
)

func TestMain(m *testing.M) {
	if os.Getenv(childURL) != "" {
		child()
		return
	}
	flag.Parse()
	if err := flag.Set("test.parallel", "8"); err != nil { // the tests wait for leases to end, and compute little
		panic(err)
	}
	redistest.Main(m)
}

// child leads until it is killed.
func child() {
	client, err := redis.Open(redis.Config{URL: os.Getenv(childURL)})
	if err != nil {
		panic(err)
	}
	e, err := New(client, Config{Namespace: os.Getenv(childNamespace), Name: "thing", Identity: "child", Timing: lock.Timing{TTL: ttl}})
	if err != nil {
		panic(err)
	}
	fmt.Println(e.Run(context.Background(), func(ctx context.Context, term int64) error {
		fmt.Println("leads", term)
		<-ctx.Done()
		return nil
	}))
}

// fixture is one election, "thing", in a namespace of the test's own.
type fixture struct{ url, namespace string }

func setup(t *testing.T) fixture {
	t.Helper()
	return fixture{redistest.Shared(t), redistest.Namespace(t)}
}

func (f fixture) candidate(t *testing.T, identity string, timing lock.Timing) *Election {
	t.Helper()
	client, err := redis.Open(redis.Config{URL: f.url})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := client.Close(); err != nil {
			t.Error(err)
		}
	})
	e, err := New(client, Config{Namespace: f.namespace, Name: "thing", Identity: identity, Timing: timing})
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// campaign is a running candidate.
type campaign struct {
	terms chan int64    // of the terms it wins
	ended chan error    // the cause of each term's end
	stop  func()        // and wait until it has returned
	done  chan struct{} // Run has returned
}

func (f fixture) campaign(t *testing.T, identity string, timing lock.Timing) *campaign {
	t.Helper()
	e := f.candidate(t, identity, timing)
	ctx, cancel := context.WithCancel(context.Background())
	c := &campaign{terms: make(chan int64, 1), ended: make(chan error, 1), done: make(chan struct{})}
	c.stop = func() { cancel(); <-c.done }
	go func() {
		defer close(c.done)
		err := e.Run(ctx, func(ctx context.Context, term int64) error {
			c.terms <- term
			<-ctx.Done()
			c.ended <- context.Cause(ctx)
			return nil
		})
		if err != nil {
			t.Errorf("%s: %v", identity, err)
		}
	}()
	t.Cleanup(c.stop)
	return c
}

func (c *campaign) term(t *testing.T) int64 {
	t.Helper()
	select {
	case term := <-c.terms:
		return term
	case <-time.After(redistest.Stretch * patience):
		t.Fatal("not elected")
		return 0
	}
}

// lasting is a timing under which what a bell brings and what a look finds are far apart.
var lasting = lock.Timing{TTL: time.Hour, RetryPeriod: 20 * time.Second}

// A leader that stops is followed at once, by the bell.
func TestHandOver(t *testing.T) {
	t.Parallel()
	const rounds = 20
	server := redistest.Start(t)
	f, client := fixture{server.URL, "drayhorse"}, server.Client(t)
	leader := f.campaign(t, "0", lasting)
	last := leader.term(t)
	var took []time.Duration
	slow := 0
	for i := range rounds {
		redistest.Eventually(t, patience, "nobody waits", func() bool { return !listening(t, client) })
		next := f.campaign(t, fmt.Sprint(i+1), lasting)
		redistest.Eventually(t, patience, "a candidate that waits", func() bool { return listening(t, client) })
		start := time.Now()
		go leader.stop()
		term := next.term(t)
		took = append(took, time.Since(start))
		if took[i] > lasting.RetryPeriod/2 {
			slow++
		}
		if slow > rounds/4 { // one may be missed where Redis does not answer for a second or two
			t.Fatalf("%d of %d hand-overs by a look: the bell is not heard", slow, i+1)
		}
		if term <= last {
			t.Errorf("term %d after %d", term, last)
		}
		<-leader.done
		leader, last = next, term
	}
	slices.Sort(took)
	t.Logf("hand-over: median %v, longest %v", took[rounds/2], took[rounds-1])
}

// listening reports whether anybody waits for a bell on this server.
func listening(t *testing.T, client *goredis.Client) bool {
	t.Helper()
	clients, err := client.ClientList(t.Context()).Result()
	return err == nil && strings.Contains(clients, "flags=b")
}

// A leader that is killed is followed soon after its lease has ended.
func TestTakeoverFromTheKilled(t *testing.T) {
	t.Parallel()
	f := setup(t)
	cmd := exec.Command(os.Args[0], "-test.run=^$")
	cmd.Env = append(os.Environ(), childURL+"="+f.url, childNamespace+"="+f.namespace)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill() // dead already, if all went well
		_ = cmd.Wait()
	})
	line, err := bufio.NewReader(out).ReadString('\n')
	var old int64
	if _, bad := fmt.Sscanf(line, "leads %d", &old); bad != nil {
		t.Fatal(line, err)
	}
	follower := f.campaign(t, "follower", lock.Timing{TTL: ttl})
	observer := f.candidate(t, "observer", lock.Timing{})
	if leader, err := observer.Leader(t.Context()); err != nil || leader.Identity != "child" || leader.Term != old {
		t.Errorf("leader %+v, %v; want the child's term %d", leader, err, old)
	}
	select { // let the follower watch for a while
	case <-follower.terms:
		t.Fatal("elected beside a living leader")
	case <-time.After(ttl * 3 / 2):
	}
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	killed := time.Now()
	term := follower.term(t)
	took := time.Since(killed)
	t.Logf("took over %v after the kill", took)
	if limit := redistest.Stretch * ttl; took > limit || term <= old {
		t.Errorf("term %d after %d, %v after the kill; want at most %v", term, old, took, limit)
	}
	leader, err := observer.Leader(t.Context())
	if err != nil || leader.Identity != "follower" || leader.Term != term || time.Since(leader.Since).Abs() > time.Minute {
		t.Errorf("leader %+v, %v; want the follower's term %d", leader, err, term)
	}
}

// A leader that is cut off ends its term before another is elected, and comes
// back as a follower.
func TestCutOffLeader(t *testing.T) {
	t.Parallel()
	f := setup(t)
	timing := lock.Timing{TTL: ttl}
	proxy := redistest.NewProxy(t, redistest.AddrOf(t, f.url))
	cut := fixture{"redis://" + proxy.Addr, f.namespace}.campaign(t, "cut off", timing)
	old := cut.term(t)
	heir := f.campaign(t, "heir", timing)
	proxy.Freeze()
	if term := heir.term(t); term <= old {
		t.Errorf("term %d after %d", term, old)
	}
	select {
	case cause := <-cut.ended:
		if !errors.Is(cause, drayhorse.ErrLeaseLost) {
			t.Errorf("term ended by %v, want ErrLeaseLost", cause)
		}
	default:
		t.Fatal("two leaders")
	}
	proxy.Resume()
	heir.stop()
	if term := cut.term(t); term <= old {
		t.Errorf("term %d after %d", term, old)
	}
}

func TestLeadReturns(t *testing.T) {
	t.Parallel()
	f := setup(t)
	e := f.candidate(t, "one", lock.Timing{})
	want := errors.New("cannot lead")
	var terms []int64
	err := e.Run(t.Context(), func(_ context.Context, term int64) error {
		if terms = append(terms, term); len(terms) < 3 {
			return nil // lays the lead down
		}
		return want
	})
	if !errors.Is(err, want) || len(terms) != 3 || !slices.IsSorted(terms) || terms[0] == terms[2] {
		t.Errorf("Run: %v after terms %v, want %v after 3 that rise", err, terms, want)
	}
	if leader, err := e.Leader(t.Context()); leader != (Leader{}) || err != nil {
		t.Errorf("%+v leads, %v; want nobody", leader, err)
	}
}

func TestRunWithoutRedis(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t)
	f := fixture{server.URL, "thing"}
	server.Kill()
	c := f.campaign(t, "early", lock.Timing{TTL: ttl})
	server.Restart()
	c.term(t)
	server.Kill()
	if cause := <-c.ended; !errors.Is(cause, drayhorse.ErrLeaseLost) {
		t.Errorf("term ended by %v, want ErrLeaseLost", cause)
	}
	server.Restart()
	c.term(t)
}

func TestValidate(t *testing.T) {
	t.Parallel()
	for want, cfg := range map[string]Config{
		"election name": {},
		"namespace":     {Name: "thing", Namespace: "{"},
		"TTL 1ms":       {Name: "thing", Timing: lock.Timing{TTL: time.Millisecond}},
		"RenewDeadline": {Name: "thing", Timing: lock.Timing{RenewDeadline: DefaultTTL}},
	} {
		if _, err := New(nil, cfg); !errors.Is(err, drayhorse.ErrInvalid) || !strings.Contains(err.Error(), want) {
			t.Errorf("%+v: got %v, want ErrInvalid with %q", cfg, err, want)
		}
	}
	if err := (Config{Name: "thing"}).Validate(); err != nil {
		t.Error(err)
	}
}
