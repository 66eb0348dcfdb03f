package httpapi

import (
	"context"
	"net/http"
	"strings"
	"time"

	"golang.org/x/time/rate"

	"github.com/drayhorse/drayhorse"
)

// call is a request whose caller is known.
type call struct {
	w http.ResponseWriter
	r *http.Request
	*caller
}

// called makes a handler of one for known callers, and bounds how many run.
func (s *Server) called(serve func(c *call) error) handler {
	return func(w http.ResponseWriter, r *http.Request) error {
		who, err := s.authenticate(r)
		if err != nil {
			return err
		}
		if !s.requests.take() {
			return busy.later(time.Second, "", "%d requests are being served, which is the limit", s.cfg.Limits.MaxRequests)
		}
		defer s.requests.release()
		return serve(&call{w, continued(r), who})
	}
}

// authenticate gives the caller. Where no tokens are asked for, the request must be
// addressed to a loopback name: a web page whose own name was made to lead here
// gets nothing.
func (s *Server) authenticate(r *http.Request) (*caller, error) {
	if s.anybody != nil {
		if !isLoopback(r.Host) {
			return nil, forbidden.in("Host", "host %q; want a loopback address or localhost, since no tokens are asked for", clip(r.Host))
		}
		return s.anybody, nil
	}
	scheme, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	if !strings.EqualFold(scheme, "Bearer") || token == "" {
		return nil, unauthorized.in("Authorization", "no token is given; want Authorization: Bearer TOKEN")
	}
	if who := s.cfg.Tokens.find(strings.TrimSpace(token)); who != nil {
		return who, nil
	}
	return nil, unauthorized.in("Authorization", "the token is not known")
}

// patience is how long a request waits for Redis. With what goes before and after,
// an answer comes within 5 s.
const patience = 4 * time.Second

// wait gives the time that a request has for Redis. A client that goes away ends
// nothing: what it asked for is done or not, and the next request learns which.
func wait(r *http.Request) (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.WithoutCancel(r.Context()), patience)
}

// mayEnqueue refuses a queue that is out of the caller's scope.
func (c *caller) mayEnqueue(queue string) error {
	if !c.Enqueue.has(queue) {
		return forbidden.in("queue", "token %q may not enqueue to queue %q", c.Name, queue)
	}
	return nil
}

// hasRate takes one job of the caller's rate, or says when there is one.
func (c *caller) hasRate() error {
	if c.limiter.Limit() == rate.Inf {
		return nil
	}
	now := time.Now()
	taken := c.limiter.ReserveN(now, 1)
	if delay := taken.DelayFrom(now); delay > 0 {
		taken.CancelAt(now)
		return rateLimited.later(delay, "", "token %q may put in %v jobs a second", c.Name, float64(c.limiter.Limit()))
	}
	return nil
}

// places says where to look for a job: the options of one producer call each. A
// token of some queues looks in those alone, so that it learns nothing about
// others.
func (c *call) places(scope Scope, verb string) ([][]drayhorse.Option, error) {
	query := c.r.URL.Query()
	if query.Has("queue") {
		queue := query.Get("queue")
		if err := drayhorse.ValidateQueue(queue); err != nil {
			return nil, invalid.in("queue", "%v", err)
		}
		if !scope.has(queue) {
			return nil, forbidden.in("queue", "token %q may not %s jobs of queue %q", c.Name, verb, queue)
		}
		return [][]drayhorse.Option{{drayhorse.Queue(queue)}}, nil
	}
	if scope.all() {
		return [][]drayhorse.Option{nil}, nil
	}
	if len(scope) == 0 {
		return nil, forbidden.in("", "token %q may not %s jobs", c.Name, verb)
	}
	var places [][]drayhorse.Option
	for _, queue := range scope {
		places = append(places, []drayhorse.Option{drayhorse.Queue(queue)})
	}
	return places, nil
}
