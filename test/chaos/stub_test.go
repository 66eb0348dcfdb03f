package chaos

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/drayhorse/drayhorse"
)

// stubFile has, in the directory of the history, the address of the service that jobs call.
const stubFile = "stub"

// stub is a service that jobs of kinds "calling-NAME" call while they run. It sees who is
// there at once: the connection of a process that is killed ends.
type stub struct {
	listener net.Listener

	mu    sync.Mutex
	down  bool
	calls map[string]*calls // by NAME
}

// calls are those of jobs that share a limit.
type calls struct {
	running, most int
	begun         []time.Time
	full          []time.Time // whenever there were as many as there have ever been
	refused       int         // while the service was down
}

// stub starts the service.
func (r *rig) stub() *stub {
	r.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		r.Fatal(err)
	}
	r.Cleanup(func() { _ = l.Close() })
	if err := os.WriteFile(filepath.Join(r.dir, stubFile), []byte(l.Addr().String()), 0o600); err != nil {
		r.Fatal(err)
	}
	s := &stub{listener: l, calls: map[string]*calls{}}
	go s.serve()
	return s
}

func (s *stub) serve() {
	for {
		c, err := s.listener.Accept()
		if err != nil {
			return
		}
		go s.answer(c)
	}
}

// answer serves one call: it says whether the service is up, and waits for the end.
func (s *stub) answer(c net.Conn) {
	defer func() { _ = c.Close() }()
	in := bufio.NewReader(c)
	name, err := in.ReadString('\n')
	if err != nil {
		return
	}
	name = strings.TrimSpace(name)
	up := s.begin(name)
	defer s.end(name)
	_, _ = fmt.Fprintf(c, "%t\n", up)
	_, _ = io.Copy(io.Discard, in)
}

func (s *stub) begin(name string) (up bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	k := s.calls[name]
	if k == nil {
		k = &calls{}
		s.calls[name] = k
	}
	now := time.Now()
	k.begun = append(k.begun, now)
	if k.running++; k.running >= k.most {
		k.most = k.running
		k.full = append(k.full, now)
	}
	if s.down {
		k.refused++
	}
	return !s.down
}

func (s *stub) end(name string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.calls[name].running--
}

// seen gives what was called by a name.
func (s *stub) seen(name string) calls {
	s.mu.Lock()
	defer s.mu.Unlock()
	if k := s.calls[name]; k != nil {
		return *k
	}
	return calls{}
}

// turn has the service be down, or up again.
func (s *stub) turn(down bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.down = down
}

// busiest is how many calls began, at most, in a window of that length.
func (k *calls) busiest(window time.Duration) (most int) {
	first := 0
	for i, at := range k.begun {
		for k.begun[first].Add(window).Before(at) {
			first++
		}
		most = max(most, i-first+1)
	}
	return most
}

// fullAfter is how long after a time there were as many as there may be; below 0: never again.
func (k *calls) fullAfter(at time.Time) time.Duration {
	for _, t := range k.full {
		if !t.Before(at) {
			return t.Sub(at)
		}
	}
	return -1
}

// briefly lasts tens of milliseconds.
func briefly(r *rand.Rand, w *work) []drayhorse.Option {
	w.Millis = 30 + r.IntN(40)
	return nil
}

// callsStub has a job call the service by a name for as long as it lasts.
func callsStub(name string) func(ctx context.Context, h *hands, w *work, attempt int) error {
	return func(ctx context.Context, h *hands, w *work, attempt int) error {
		addr, err := os.ReadFile(filepath.Join(h.dir, stubFile))
		if err != nil {
			return err
		}
		var d net.Dialer
		c, err := d.DialContext(ctx, "tcp", string(addr))
		if err != nil {
			return err
		}
		defer func() { _ = c.Close() }()
		if _, err := fmt.Fprintln(c, name); err != nil {
			return err
		}
		var up bool
		if _, err := fmt.Fscanln(c, &up); err != nil {
			return err
		}
		if !up {
			return fmt.Errorf("the service is down")
		}
		return lasts(ctx, h, w, attempt)
	}
}
