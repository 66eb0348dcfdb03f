package httpapi

import (
	"errors"
	"net/http"

	"github.com/drayhorse/drayhorse"
)

// deletedQueue is the answer to a queue's delete.
type deletedQueue struct {
	Queue string `json:"queue"`
	Jobs  int    `json:"jobs"` // live ones that went with it
}

// deleteQueue serves DELETE /v1/queues/{name}. One that took too long may be asked for
// again: it goes on where it was.
func (s *Server) deleteQueue(c *call) error {
	ctx, cancel := s.wait(c.r)
	defer cancel()
	name := c.r.PathValue("name")
	if err := drayhorse.ValidateQueue(name); err != nil {
		return invalid.in("name", "%v", err)
	}
	c.entry.queue = name
	if !c.DeleteQueues.HasQueue(name) {
		return forbidden.in("name", "token %q may not delete queue %q", c.Name, name)
	}
	force, err := wantForce(c.r)
	if err != nil {
		return err
	}
	if err := c.hasRate(c.looks, 1, "look up, cancel or delete"); err != nil {
		return err
	}
	jobs, err := s.cfg.Queues.DeleteQueue(ctx, name, force)
	switch {
	case errors.Is(err, drayhorse.ErrNotEmpty):
		return notEmpty.in("force", "%v; want force=true to lose them", err)
	case errors.Is(err, drayhorse.ErrNotFound):
		return notFound.in("name", "there is no queue %q", name)
	case err != nil:
		return err
	}
	c.entry.outcome = outcomeDeleted
	return c.answer(http.StatusOK, deletedQueue{name, jobs})
}

// wantForce reads whether a queue is to go with its live jobs.
func wantForce(r *http.Request) (bool, error) {
	query := r.URL.Query()
	switch force := query.Get("force"); {
	case force == "true":
		return true, nil
	case force == "false" || !query.Has("force"):
		return false, nil
	default:
		return false, invalid.in("force", "force %q; want true or false", clip(force))
	}
}
