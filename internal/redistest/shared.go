package redistest

import (
	"fmt"
	"net/url"
	"os"
	"regexp"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/redis/go-redis/v9/logging"
	"go.uber.org/goleak"
)

// shared are the servers that all tests of a binary use together.
var shared struct {
	supervised      bool // Main runs the tests
	single, cluster lazy
	namespaces      atomic.Int64
	atExit          []func() error
}

// lazy is a group of servers that the first test that wants it starts.
type lazy struct {
	once    sync.Once
	url     string
	servers []*Server
	err     error
}

func (l *lazy) get(tb testing.TB, start func(wait) (string, []*Server, error)) string {
	tb.Helper()
	if !shared.supervised {
		tb.Fatal("redistest: nobody stops the shared servers: call redistest.Main from TestMain")
	}
	l.once.Do(func() {
		w, cancel := waitFor(tb, unlimited)
		defer cancel()
		l.url, l.servers, l.err = start(w)
	})
	if l.err != nil {
		tb.Fatalf("redistest: %v", l.err)
	}
	return l.url
}

func (l *lazy) stop() error {
	for _, s := range l.servers {
		if err := s.remove(); err != nil {
			return err
		}
	}
	return nil
}

// Patient stands behind the URL of a server that no test disturbs, and has clients wait for
// an answer for a minute: a machine that is busy is no outage.
const Patient = "?dial_timeout=1m&read_timeout=1m&write_timeout=1m"

// Shared returns the URL of the one server of this test binary, with [Patient]. Its tests
// keep apart by [Namespace]; they must not flush, configure or kill it. The binary
// needs [Main].
func Shared(tb testing.TB) string {
	tb.Helper()
	return shared.single.get(tb, func(w wait) (string, []*Server, error) {
		s, err := launch(w, settings{}, redisNode)
		if err != nil {
			return "", nil, err
		}
		return s.URL + Patient, []*Server{s}, nil
	})
}

// AddrOf gives the HOST:PORT of the URL of one server, for a [Proxy] in front of it.
func AddrOf(tb testing.TB, server string) string {
	tb.Helper()
	u, err := url.Parse(server)
	if err != nil {
		tb.Fatal(err)
	}
	return u.Host
}

// SharedCluster returns the URL of the one Cluster of this test binary: three
// masters without replicas. The rules of [Shared] hold.
func SharedCluster(tb testing.TB) string {
	tb.Helper()
	return shared.cluster.get(tb, func(w wait) (string, []*Server, error) {
		c, err := launchCluster(w, settings{}, 3, 0)
		if err != nil {
			return "", nil, err
		}
		return c.URL + Patient, c.Nodes, nil
	})
}

var unfit = regexp.MustCompile(`[^A-Za-z0-9_.-]+`)

// Namespace returns a prefix of keys that no other test, and no other run of
// this test, uses.
func Namespace(tb testing.TB) string {
	tb.Helper()
	name := unfit.ReplaceAllString(tb.Name(), "-")
	return fmt.Sprintf("%s-%d", name[:min(len(name), 60)], shared.namespaces.Add(1))
}

// AtExit has [Main] do something after the tests. Call it before Main.
func AtExit(do func() error) { shared.atExit = append(shared.atExit, do) }

// Main runs the tests of a package, stops the shared servers, fails if a
// goroutine is left, and exits.
func Main(m *testing.M, opts ...goleak.Option) {
	logging.Disable() // go-redis prints the faults that tests make on purpose
	shared.supervised = true
	code := m.Run()
	for _, end := range append(shared.atExit, shared.single.stop, shared.cluster.stop) {
		if err := end(); err != nil {
			code = fail(err)
		}
	}
	if code == 0 {
		if err := leaked(opts); err != nil {
			code = fail(err)
		}
	}
	os.Exit(code)
}

// leaked returns the goroutines that do not end. A closed pool of go-redis may
// sleep for a second between two dials before it sees that it is closed.
func leaked(opts []goleak.Option) error {
	var err error
	for start := time.Now(); time.Since(start) < Stretch*5*time.Second; {
		if err = goleak.Find(opts...); err == nil {
			return nil
		}
	}
	return err
}

func fail(err error) int {
	fmt.Fprintln(os.Stderr, "redistest:", err)
	return 1
}
