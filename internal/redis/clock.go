package redis

import (
	"sync"
	"time"
)

// clocks are those of servers that go by a clock of their own, by address.
var clocks sync.Map // HOST:PORT to func() time.Time

// SetClock says that the server at addr, a HOST:PORT of this machine, goes by the clock
// now instead of the machine's, as an embedded server does whose time a test moves.
// Clients that are opened for it from here on, until undo, go by it as well: what they
// write down agrees with what scripts see.
func SetClock(addr string, now func() time.Time) (undo func()) {
	clocks.Store(addr, now)
	return func() { clocks.Delete(addr) }
}

// clockOf gives the clock of the server at addr: the machine's, unless SetClock has said
// otherwise.
func clockOf(addr string) func() time.Time {
	if now, ok := clocks.Load(addr); ok {
		return now.(func() time.Time)
	}
	return time.Now
}

// Now is the time to be written down: by this machine's clock, or the server's own if it
// has one. Timeouts and pauses go by time.Now.
func (c *Client) Now() time.Time { return c.now() }
