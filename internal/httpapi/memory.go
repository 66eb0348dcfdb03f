package httpapi

import (
	"context"
	"errors"
	"io"
	"net/http"
	"time"

	"github.com/drayhorse/drayhorse/internal/jobjson"
)

// What requests count for against max_memory.
const (
	// smallBody is a body, or a line, that counts for nothing: it is within what every
	// request takes anyway.
	smallBody = 16 << 10
	// bodyFactor is how many times its size a larger body takes: as it came, the names
	// in it while it is read, its arguments, and their way to Redis.
	bodyFactor = 6
	// answerSize is what a job takes that is looked up: nobody knows its arguments and
	// its result before.
	answerSize = 4 << 20
)

// hold sees to it that a request has n bytes of max_memory. It waits for others, with
// nothing in hand, so that no two wait for each other.
func (c *call) hold(ctx context.Context, n int64) error {
	if c.held >= min(n, c.account.memory.most) {
		return nil
	}
	c.letGo()
	taken, own, err := waitFor(ctx, &c.account.memory, n)
	if err != nil {
		return c.noRoom(own, "bytes of memory", c.account.memory)
	}
	c.held = taken
	return nil
}

func (c *call) letGo() {
	if c.held > 0 {
		c.account.memory.give(c.held)
		c.held = 0
	}
}

// shrink gives back what an answer of that size does not take, so that a client that is
// slow to read it keeps others waiting for no more.
func (c *call) shrink(answer int64) {
	if rest := min(c.held, answer*3); rest < c.held {
		c.account.memory.give(c.held - rest)
		c.held = rest
	}
}

// noRoom is why a request is not served now.
func (c *call) noRoom(own bool, what string, p portion) *Problem {
	if own && p.most < p.size {
		return tokenBusy.later(time.Second, "", "token %q has %d %s at work, which is its limit", c.Name, p.most, what)
	}
	return busy.later(time.Second, "", "%d %s are at work, which is the limit", p.size, what)
}

func waitFor(parent context.Context, p *portion, n int64) (taken int64, own bool, err error) {
	ctx, cancel := context.WithTimeout(parent, roomPatience)
	defer cancel()
	return p.take(ctx, n)
}

// body reads a body, within the limit of its size. What is larger than a small one waits
// for memory first, for as much as it says it needs, or may need.
func (s *Server) body(c *call) ([]byte, error) {
	most := s.cfg.Limits.MaxBody
	in := http.MaxBytesReader(c.w, c.r.Body, int64(most))
	expected := int64(most)
	if n := c.r.ContentLength; n >= 0 {
		if n > expected {
			return nil, s.tooLong()
		}
		expected = n
	}
	text, err := readUpTo(in, make([]byte, 0, min(expected, smallBody)+1))
	if err == nil {
		err = c.hold(c.r.Context(), max(expected*bodyFactor, answerSize))
		if err == nil {
			larger := make([]byte, len(text), expected+1)
			copy(larger, text)
			text, err = readUpTo(in, larger)
		}
	}
	if _, ok := errors.AsType[*http.MaxBytesError](err); ok || err == nil {
		return nil, s.tooLong()
	}
	if !errors.Is(err, io.EOF) {
		return nil, unread(err)
	}
	// net/http goes on reading, to see whether the client goes away: it has time now.
	_ = http.NewResponseController(c.w).SetReadDeadline(time.Time{})
	return text, nil
}

func (s *Server) tooLong() *Problem {
	return tooLarge.in("", "the body is longer than %d bytes", s.cfg.Limits.MaxBody)
}

// readUpTo reads until the text has no more room, or to an error, which is io.EOF at the
// end of the body.
func readUpTo(in io.Reader, text []byte) ([]byte, error) {
	for len(text) < cap(text) {
		n, err := in.Read(text[len(text):cap(text)])
		text = text[:len(text)+n]
		if err != nil {
			return text, err
		}
	}
	return text, nil
}

// parse reads a job.
func (c *call) parse(ctx context.Context, text []byte) (*jobjson.Job, error) {
	return withParser(ctx, c, text, jobjson.Parse)
}

// withParser reads a body. Large ones wait for a processor: each caller has half of them at
// most, so that small requests of others are not kept waiting.
func withParser[T any](ctx context.Context, c *call, text []byte, parse func([]byte) (T, error)) (T, error) {
	if len(text) <= smallBody {
		return parse(text)
	}
	if err := c.parser(ctx); err != nil {
		var none T
		return none, err
	}
	defer c.account.parsers.give(1)
	return parse(text)
}

func (c *call) parser(ctx context.Context) error {
	if _, own, err := waitFor(ctx, &c.account.parsers, 1); err != nil {
		return c.noRoom(own, "large jobs", c.account.parsers)
	}
	return nil
}
