package httpapi

import (
	"bytes"
	"encoding/json"
	"errors"
	"net/http"
	"slices"

	"github.com/drayhorse/drayhorse"
	"github.com/drayhorse/drayhorse/flow"
	"github.com/drayhorse/drayhorse/internal/scope"
)

// signal serves POST /v1/jobs/{id}/signals/{name}. Its body is the signal's value, its sender
// the token. Where the token is for some kinds alone, the job is looked at before.
func (s *Server) signal(c *call) error {
	name, key, err := signalName(c)
	if err != nil {
		return err
	}
	ctx, cancel := s.wait(c.r)
	defer cancel()
	id, places, err := s.wanted(ctx, c, c.Signal, "signal")
	if err != nil {
		return err
	}
	payload, err := s.signalValue(c)
	if err != nil {
		return err
	}
	if slices.ContainsFunc(c.Signal, func(entry string) bool { _, kind := scope.Split(entry); return kind != scope.Every }) {
		info, err := s.find(ctx, id, places, c.Signal)
		if err != nil {
			return err
		}
		c.entry.kind, places = info.Kind, [][]drayhorse.Option{{drayhorse.Queue(info.Queue)}}
	}
	options := []flow.SignalOption{flow.Sender(c.Name), flow.Key(key)}
	err = inFirst(places, func(where []drayhorse.Option) error {
		settings, err := drayhorse.Resolve(where...)
		if err != nil {
			return err
		}
		if settings.Given.Has(drayhorse.FieldQueue) {
			return s.cfg.Jobs.Signal(ctx, id, name, payload, append(options, flow.Queue(settings.Queue))...)
		}
		return s.cfg.Jobs.Signal(ctx, id, name, payload, options...)
	})
	if errors.Is(err, drayhorse.ErrEnded) {
		return ended.in("id", "the job has ended; nothing waits for a signal")
	}
	return c.signalled("job", name, err)
}

// signalFlow serves POST /v1/flows/{id}/signals/{name}, as signal does for a job.
func (s *Server) signalFlow(c *call) error {
	name, key, err := signalName(c)
	if err != nil {
		return err
	}
	id, err := c.wantFlow(c.Signal, "signal")
	if err != nil {
		return err
	}
	payload, err := s.signalValue(c)
	if err != nil {
		return err
	}
	ctx, cancel := s.wait(c.r)
	defer cancel()
	err = s.cfg.Jobs.Signal(ctx, id, name, payload, flow.Sender(c.Name), flow.Key(key))
	if errors.Is(err, drayhorse.ErrNotFound) {
		return notFound.in("id", "there is no flow %q that waits for a signal %q", id, name)
	}
	return c.signalled("flow", name, flowProblem(err, id))
}

// signalName gives the name of the signal that a request brings, and the key by which a second
// one is the same.
func signalName(c *call) (name, key string, err error) {
	name = c.r.PathValue("name")
	if err := drayhorse.ValidateStep("signal", name); err != nil {
		return "", "", invalid.in("name", "%v", err)
	}
	key, err = idempotencyKey(c.r, 0)
	return name, key, err
}

// signalled answers a signal to a job, or to a flow.
func (c *call) signalled(what, name string, err error) error {
	switch {
	case errors.Is(err, drayhorse.ErrSignalled):
		return signalled.in("name", "the %s has had a signal %q under another key", what, name)
	case errors.Is(err, drayhorse.ErrSignalLate):
		return signalLate.in("name", "the %s has stopped waiting for signal %q", what, name)
	case err != nil:
		return err
	}
	c.entry.outcome = outcomeSignalled
	c.w.WriteHeader(http.StatusAccepted)
	return nil
}

// signalValue reads the value of a signal: a JSON value, or nothing, which is null.
func (s *Server) signalValue(c *call) (json.RawMessage, error) {
	if c.r.ContentLength == 0 {
		return json.RawMessage("null"), nil
	}
	if err := wantType(c.r, "application/json"); err != nil {
		return nil, err
	}
	text, err := s.body(c)
	switch {
	case err != nil:
		return nil, err
	case len(bytes.TrimSpace(text)) == 0:
		return json.RawMessage("null"), nil
	case !json.Valid(text):
		return nil, invalid.in("", "the body is no JSON value")
	}
	return text, nil
}

// steps serves GET /v1/jobs/{id}/steps.
func (s *Server) steps(c *call) error {
	ctx, cancel := s.wait(c.r)
	defer cancel()
	info, err := s.seen(ctx, c)
	if err != nil {
		return err
	}
	if err := c.hold(ctx, answerSize); err != nil {
		return err
	}
	all, err := s.cfg.Jobs.Steps(ctx, info.ID, drayhorse.Queue(info.Queue))
	if err != nil {
		return err
	}
	return c.answer(http.StatusOK, all)
}
