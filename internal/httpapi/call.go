package httpapi

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/drayhorse/drayhorse"
	"github.com/drayhorse/drayhorse/internal/scope"
)

// call is a request whose caller is known.
type call struct {
	w http.ResponseWriter
	r *http.Request
	*caller

	account *account
	held    int64 // bytes of memory
	entry   auditEntry
}

// called makes a handler of one for known callers, bounds how many run, and audits what
// they do.
func (s *Server) called(action string, query []string, serve func(c *call) error) handler {
	return func(w http.ResponseWriter, r *http.Request) error {
		who, err := s.authenticate(r)
		if err != nil {
			s.audit(r, "", s.strangers, auditEntry{action: action}, problemOf(err))
			return err
		}
		c := &call{w: w, r: continued(r), caller: who, account: s.resources.of(who), entry: auditEntry{action: action}}
		err = s.admit(c, query, serve)
		var refused *Problem
		if err != nil {
			refused = problemOf(err)
		}
		s.audit(c.r, c.Name, c.account, c.entry, refused)
		return err
	}
}

// admit serves a call if there is room for it.
func (s *Server) admit(c *call, query []string, serve func(c *call) error) error {
	if ok, own := c.account.requests.try(1); !ok {
		return c.noRoom(own, "requests", c.account.requests)
	}
	defer c.account.requests.give(1)
	defer c.letGo()
	if err := wantQuery(c.r, query); err != nil {
		return err
	}
	return serve(c)
}

// authenticate gives the caller. Where no tokens are asked for, the request must come
// from this machine, and be meant for it.
func (s *Server) authenticate(r *http.Request) (*caller, error) {
	if s.anybody != nil {
		if err := fromThisMachine(r); err != nil {
			return nil, err
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

// fromThisMachine refuses requests that a web page makes whose own name was made to lead
// here, and those that a proxy hands on: whoever reaches that would have no token.
func fromThisMachine(r *http.Request) error {
	if !isLocal(r) && !isLoopback(r.Host) {
		return forbidden.in("Host", "host %q; want a loopback address or localhost, since no tokens are asked for", clip(r.Host))
	}
	for _, name := range []string{"Forwarded", "X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto", "X-Real-Ip", "Via"} {
		if r.Header.Get(name) != "" {
			return forbidden.in(name, "the request comes through a proxy, and no tokens are asked for; want a token file where others than this machine's come in")
		}
	}
	return nil
}

// wantQuery refuses a query that has other keys than a route knows, or one of them twice:
// a slip in a key would have the request mean something else.
func wantQuery(r *http.Request, known []string) error {
	values, err := parseQuery(r)
	if err != nil {
		return err
	}
	for key, all := range values {
		switch {
		case !slices.Contains(known, key) && len(known) == 0:
			return invalid.in(clip(key), "query key %q; want none", clip(key))
		case !slices.Contains(known, key):
			return invalid.in(clip(key), "query key %q is not known; want %s", clip(key), strings.Join(known, ", "))
		case len(all) > 1:
			return invalid.in(key, "query key %q comes %d times; want it once", key, len(all))
		}
	}
	return nil
}

// patience is how long a request waits for Redis. With what goes before and after,
// an answer comes within 5 s.
const patience = 4 * time.Second

// wait gives the time that a request has for Redis. A client that goes away ends
// nothing: what it asked for is done or not, and the next request learns which.
func (s *Server) wait(r *http.Request) (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.WithoutCancel(r.Context()), s.patience)
}

const (
	// maxNamed is in how many queues a job is looked for that a token names: each is asked
	// by itself.
	maxNamed = 100
	// maxPlaces is in how many queues a job is looked for otherwise. Redis is asked for 200
	// at a time, all in one round trip.
	maxPlaces = 20_000
	// placesALook is in how many queues a job is looked for at the price of one look-up.
	placesALook = 100
)

// places says where to look for a job, as the options of one producer call each, and as
// how many look-ups that counts. A token of some queues looks in those alone, so that it
// learns nothing about others.
func (s *Server) places(ctx context.Context, c *call, within scope.Scope, verb string) (places [][]drayhorse.Option, price int, err error) {
	query := c.r.URL.Query()
	if query.Has("queue") {
		queue := query.Get("queue")
		if err := drayhorse.ValidateQueue(queue); err != nil {
			return nil, 0, invalid.in("queue", "%v", err)
		}
		c.entry.queue = queue
		if !within.HasQueue(queue) {
			return nil, 0, forbidden.in("queue", "token %q may not %s jobs of queue %q", c.Name, verb, queue)
		}
		return [][]drayhorse.Option{{drayhorse.Queue(queue)}}, 1, nil
	}
	if len(within) == 0 {
		return nil, 0, forbidden.in("", "token %q may not %s jobs", c.Name, verb)
	}
	names, all := within.Queues()
	count, most := len(names), maxNamed
	if all {
		if count, err = s.queues.count(ctx); err != nil {
			return nil, 0, err
		}
		most = maxPlaces
	}
	if count > most {
		return nil, 0, invalid.in("queue", "there are %d queues to look in, at most %d without a name; want ?queue=NAME, as in the Location of the job", count, most)
	}
	if all {
		return [][]drayhorse.Option{nil}, max((count+placesALook-1)/placesALook, 1), nil
	}
	for _, queue := range names {
		places = append(places, []drayhorse.Option{drayhorse.Queue(queue)})
	}
	return places, 1, nil
}

// find gives a job from where it is, if it is in a scope. To who may not know it, there
// is no such job.
func (s *Server) find(ctx context.Context, id string, places [][]drayhorse.Option, within scope.Scope) (*drayhorse.Info, error) {
	for _, where := range places {
		info, err := s.cfg.Jobs.Get(ctx, id, where...)
		switch {
		case errors.Is(err, drayhorse.ErrNotFound):
		case err != nil:
			return nil, err
		case within.Has(info.Queue, info.Kind):
			return info, nil
		}
	}
	return nil, drayhorse.ErrNotFound
}
