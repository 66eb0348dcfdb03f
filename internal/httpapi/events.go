package httpapi

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"slices"
	"strings"

	"github.com/drayhorse/drayhorse"
	"github.com/drayhorse/drayhorse/admin"
)

// eventsPrice is as how many look-ups it counts to begin to listen: a client that always comes
// anew costs more than one that stays.
const eventsPrice = 10

// events serves GET /v1/events: server-sent events, each something that happened to jobs that the
// token may read.
func (s *Server) events(c *call) error {
	query := eventQuery(c.r)
	switch {
	case len(c.Read) == 0:
		return forbidden.in("", "token %q may not read jobs", c.Name)
	case query.Queue != "" && !c.Read.HasQueue(query.Queue):
		return forbidden.in("queue", "token %q may not read jobs of queue %q", c.Name, query.Queue)
	}
	query.Within = c.Read
	c.entry.queue = query.Queue
	if err := query.Validate(); err != nil {
		return invalid.in("", "%v", err)
	}
	if ok, own := c.account.listeners.try(1); !ok {
		return c.noRoom(own, "listeners", c.account.listeners)
	}
	defer c.account.listeners.give(1)
	if err := c.hasRate(c.looks, eventsPrice, lookUp); err != nil {
		return err
	}
	ctx, cancel := s.wait(c.r)
	defer cancel()
	all, err := s.cfg.Queues.Events(ctx, *query)
	if err != nil {
		return err
	}
	defer all.Close()
	c.shrink(0)
	follow, stop := context.WithTimeout(c.r.Context(), maxFollow)
	defer stop()
	defer context.AfterFunc(s.stopping, stop)()
	out := s.beginEvents(c)
	if c.r.Method == http.MethodHead {
		return nil
	}
	err = out.alive(all.After())
	for err == nil && follow.Err() == nil {
		var some []*admin.Event
		some, err = nextEvents(follow, all)
		// A token that is removed, or has another scope now, counts no more.
		if who, err := s.authenticate(c.r); err != nil || !slices.Equal(who.Read, c.Read) {
			return nil
		}
		switch {
		case err == nil:
			err = out.happened(some)
		case follow.Err() != nil:
		case errors.Is(err, context.DeadlineExceeded):
			err = out.alive(all.After())
		case errors.Is(err, drayhorse.ErrUnavailable):
			err = out.alive(all.After())
			pause(follow, outagePause)
		}
	}
	return nil
}

// nextEvents gives the next events, or after a while that there are none yet.
func nextEvents(follow context.Context, all *admin.Events) ([]*admin.Event, error) {
	ctx, cancel := context.WithTimeout(follow, aliveEvery)
	defer cancel()
	return all.Next(ctx)
}

// maxSent is about how many bytes of events are sent at once.
const maxSent = 64 << 10

// happened sends events, many at once.
func (e *events) happened(some []*admin.Event) error {
	var text strings.Builder
	for _, event := range some {
		data, err := json.Marshal(event) // of one line
		if err != nil {
			return err
		}
		text.WriteString("id: " + event.ID + "\ndata: ")
		text.Write(data)
		text.WriteString("\n\n")
		if text.Len() > maxSent {
			if err := e.write(text.String()); err != nil {
				return err
			}
			text.Reset()
		}
	}
	if text.Len() == 0 {
		return nil
	}
	return e.write(text.String())
}

// eventQuery reads which events are wanted.
func eventQuery(r *http.Request) *admin.EventQuery {
	values := r.URL.Query()
	q := &admin.EventQuery{Queue: values.Get("queue"), Kind: values.Get("kind"), Where: values.Get("where"), After: values.Get("after")}
	if last := r.Header.Get("Last-Event-ID"); last != "" {
		q.After = last
	}
	if values.Has("type") {
		for name := range strings.SplitSeq(values.Get("type"), ",") {
			q.Types = append(q.Types, admin.EventType(name))
		}
	}
	return q
}
