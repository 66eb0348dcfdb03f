package httpapi

import (
	"errors"
	"net/http"

	"github.com/drayhorse/drayhorse"
	"github.com/drayhorse/drayhorse/flow"
	"github.com/drayhorse/drayhorse/internal/scope"
)

// flow serves GET /v1/flows/{id}. Members may be in any queue: it is for tokens that may read all.
func (s *Server) flow(c *call) error {
	ctx, cancel := wait(c.r)
	defer cancel()
	id := c.r.PathValue("id")
	if err := flow.ValidateID(id); err != nil {
		return invalid.in("id", "%v", err)
	}
	if !c.Read.HasAll(scope.Every) {
		return forbidden.in("id", "token %q may not read flows; want read: ['*']", c.Name)
	}
	if err := c.hasRate(c.looks, 1, "look up, cancel or delete"); err != nil {
		return err
	}
	info, err := s.cfg.Jobs.Flow(ctx, id)
	switch {
	case errors.Is(err, drayhorse.ErrNotFound):
		return notFound.in("id", "there is no flow %q", id)
	case err != nil:
		return err
	}
	return c.answer(http.StatusOK, info)
}
