package httpapi

import (
	"errors"
	"net/http"
	"net/url"
	"time"

	"github.com/drayhorse/drayhorse"
	"github.com/drayhorse/drayhorse/admin"
)

// seriesPrice is as how many look-ups a request for a series counts: it reads much more.
const seriesPrice = 10

// series serves GET /v1/series: what ended of the jobs that the token may read.
func (s *Server) series(c *call) error {
	ctx, cancel := s.wait(c.r)
	defer cancel()
	query, err := seriesQuery(c.r.URL.Query())
	if err != nil {
		return err
	}
	switch {
	case len(c.Read) == 0:
		return forbidden.in("", "token %q may not read jobs", c.Name)
	case query.Queue != "" && !c.Read.HasQueue(query.Queue):
		return forbidden.in("queue", "token %q may not read jobs of queue %q", c.Name, query.Queue)
	}
	query.Within = c.Read
	c.entry.queue = query.Queue
	if err := c.hasRate(c.looks, seriesPrice, lookUp); err != nil {
		return err
	}
	got, err := s.cfg.Queues.Series(ctx, *query)
	switch {
	case errors.Is(err, drayhorse.ErrNotFound):
		return notFound.in("queue", "there is no queue %q", query.Queue)
	case errors.Is(err, drayhorse.ErrInvalid):
		return invalid.in("", "%v", err)
	case err != nil:
		return err
	}
	return c.answer(http.StatusOK, got)
}

func seriesQuery(values url.Values) (*admin.SeriesQuery, error) {
	q := &admin.SeriesQuery{Queue: values.Get("queue"), Kind: values.Get("kind")}
	for name, to := range map[string]*time.Time{"from": &q.From, "to": &q.To} {
		text := values.Get(name)
		if text == "" {
			continue
		}
		var err error
		if *to, err = time.Parse(time.RFC3339, text); err != nil {
			return nil, invalid.in(name, "%q; want a time such as 2030-01-02T15:04:05Z", clip(text))
		}
	}
	if text := values.Get("step"); text != "" {
		var err error
		if q.Step, err = time.ParseDuration(text); err != nil || q.Step <= 0 {
			return nil, invalid.in("step", "%q; want a duration such as 15m", clip(text))
		}
	}
	return q, nil
}
