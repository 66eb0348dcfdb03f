package redistest

import (
	"bytes"
	"net"
	"sync"
	"testing"
	"time"
)

// Proxy is a TCP relay in front of a server, with faults to switch on and off
// while connections are open. It takes the Redis protocol apart into requests
// and replies; TLS passes through it whole, and then CutReplies finds nothing.
type Proxy struct {
	Addr string // host:port

	tb     testing.TB
	port   *port
	target string
	wg     sync.WaitGroup // of all goroutines

	mu       sync.Mutex
	ended    bool
	listener net.Listener // nil while it refuses
	links    map[*link]struct{}
	delay    time.Duration
	rate     float64       // bytes a second, of all connections and both ways; 0: any number
	clear    time.Time     // when what was sent before has gone over the link
	thawed   chan struct{} // closed unless frozen
	cut      cut
}

// cut is the fault of CutReplies.
type cut struct {
	left, made int
	match      func(request []byte) bool
}

// NewProxy relays connections to target, host:port, until the test ends.
func NewProxy(tb testing.TB, target string) *Proxy {
	tb.Helper()
	port, err := newPort()
	if err != nil {
		tb.Fatalf("redistest: %v", err)
	}
	p := &Proxy{Addr: port.addr(), tb: tb, port: port, target: target, links: map[*link]struct{}{}, thawed: make(chan struct{})}
	close(p.thawed)
	tb.Cleanup(p.end)
	p.Resume()
	return p
}

func (p *Proxy) end() {
	p.mu.Lock()
	p.ended = true
	p.mu.Unlock()
	p.Refuse()
	p.CloseAll()
	p.wg.Wait()
	if err := p.port.release(); err != nil {
		p.tb.Errorf("redistest: %v", err)
	}
}

// Delay holds every piece of data back for d in each direction, so that a round
// trip takes 2d longer. It delays, it does not throttle. 0 ends it.
func (p *Proxy) Delay(d time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.delay = d
}

// Limit lets so many bytes a second pass, of all connections together. 0 ends it.
func (p *Proxy) Limit(bytesPerSecond float64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.rate, p.clear = bytesPerSecond, time.Time{}
}

// CutReplies breaks the next n connections that send a request that match likes:
// the server executes it, and its reply and all later ones are lost. The
// connection is closed once the server has executed all that it was sent. 0 ends
// the fault. One pipeline counts once.
func (p *Proxy) CutReplies(n int, match func(request []byte) bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.cut.left, p.cut.match = n, match
}

// Cuts returns how many connections CutReplies has broken so far.
func (p *Proxy) Cuts() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.cut.made
}

// Contains likes requests that have text somewhere, such as a key or the hash of
// a script.
func Contains(text string) func(request []byte) bool {
	return func(request []byte) bool { return bytes.Contains(request, []byte(text)) }
}

// Refuse makes new connections fail as if no server listened. Open ones live on.
func (p *Proxy) Refuse() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.listener != nil {
		_ = p.listener.Close()
		p.listener = nil
	}
}

// Freeze makes all connections, open and new, half-open: the proxy accepts and
// reads, and nothing arrives on the other side, not even the end of a connection.
func (p *Proxy) Freeze() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if isClosed(p.thawed) {
		p.thawed = make(chan struct{})
	}
}

// Resume ends Refuse and Freeze. What was held back arrives now.
func (p *Proxy) Resume() {
	p.tb.Helper()
	p.mu.Lock()
	defer p.mu.Unlock()
	if !isClosed(p.thawed) {
		close(p.thawed)
	}
	if p.listener != nil {
		return
	}
	l, err := p.port.listen()
	if err != nil {
		p.tb.Fatalf("redistest: %v", err)
	}
	p.listener = l
	p.wg.Go(func() { p.accept(l) })
}

// CloseAll closes all open connections.
func (p *Proxy) CloseAll() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for l := range p.links {
		l.close()
	}
}

func (p *Proxy) accept(listener net.Listener) {
	for {
		client, err := listener.Accept()
		if err != nil {
			return // closed by Refuse
		}
		p.wg.Go(func() { p.relay(client) })
	}
}

// relay serves one connection until its end. A target that cannot be reached
// shows as a connection that closes at once.
func (p *Proxy) relay(client net.Conn) {
	server, err := net.DialTimeout("tcp", p.target, callTimeout)
	if err != nil {
		_ = client.Close()
		return
	}
	l := &link{proxy: p, client: client, server: server, done: make(chan struct{})}
	p.open(l)
	l.run()
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.links, l)
}

// open makes l known to CloseAll, or closes it if that came before.
func (p *Proxy) open(l *link) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.links[l] = struct{}{}
	if p.ended {
		l.close()
	}
}

// deadline is when data that was read now is passed on.
func (p *Proxy) deadline(size int) time.Time {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := time.Now()
	if p.rate == 0 {
		return now.Add(p.delay)
	}
	if p.clear.Before(now) {
		p.clear = now
	}
	p.clear = p.clear.Add(time.Duration(float64(size) / p.rate * float64(time.Second)))
	return p.clear.Add(p.delay)
}

// gate is closed while data may pass.
func (p *Proxy) gate() <-chan struct{} {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.thawed
}

// shallCut says whether request starts a cut. A connection that is being cut
// already asks no more.
func (p *Proxy) shallCut(request []byte) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.cut.left == 0 || !p.cut.match(request) {
		return false
	}
	p.cut.left--
	p.cut.made++
	return true
}

func isClosed(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}
