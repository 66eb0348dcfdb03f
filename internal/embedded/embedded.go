// Package embedded runs a Redis server inside the process, in memory, with nothing
// to install: for trying Drayhorse out, for the demo, and for users' tests.
// Nothing is kept when it closes. It is miniredis, whose keys expire only when it
// is told that time has passed; a Server tells it.
package embedded

import (
	"fmt"
	"time"

	"github.com/alicebob/miniredis/v2"
)

// tick is how often the server's expiry clock moves.
const tick = 100 * time.Millisecond

// Server is a running embedded server.
type Server struct {
	redis *miniredis.Miniredis
	stop  chan struct{}
	done  chan struct{}
}

// Start starts a server on addr, a HOST:PORT; with port 0, or an empty addr, on a
// free port of the loopback interface.
func Start(addr string) (*Server, error) {
	m, err := listen(addr)
	if err != nil {
		return nil, err
	}
	s := &Server{redis: m, stop: make(chan struct{}), done: make(chan struct{})}
	go s.moveTime()
	return s, nil
}

func listen(addr string) (*miniredis.Miniredis, error) {
	if addr == "" {
		addr = "127.0.0.1:0"
	}
	m := miniredis.NewMiniRedis()
	if err := m.StartAddr(addr); err != nil {
		return nil, fmt.Errorf("start embedded redis on %s: %w", addr, err)
	}
	return m, nil
}

// URL is where the server listens.
func (s *Server) URL() string { return "redis://" + s.redis.Addr() + "/0" }

// Close ends the server and forgets its data.
func (s *Server) Close() {
	close(s.stop)
	<-s.done
	s.redis.Close()
}

func (s *Server) moveTime() {
	defer close(s.done)
	ticker := time.NewTicker(tick)
	defer ticker.Stop()
	for last := time.Now(); ; {
		select {
		case <-s.stop:
			return
		case <-ticker.C:
			now := time.Now()
			s.redis.FastForward(now.Sub(last))
			last = now
		}
	}
}
