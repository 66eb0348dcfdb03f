package httpapi

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"slices"

	"github.com/drayhorse/drayhorse"
	"github.com/drayhorse/drayhorse/flow"
	"github.com/drayhorse/drayhorse/internal/jobjson"
	"github.com/drayhorse/drayhorse/internal/scope"
)

// Steps and members of flows may be in any queue, and are not looked at one by one: flows are
// read, cancelled and signalled by tokens that may do so with all jobs. Whoever may enqueue all jobs
// that a flow has may make it.

// What a step, or a member, of a flow takes beside its text while it is stored.
const (
	leastStep = 24 // bytes of text that the shortest one has
	stepSize  = 1536
)

// submit serves POST /v1/flows: a flow of steps, or a batch.
func (s *Server) submit(c *call) error {
	text, key, err := s.newFlow(c)
	if err != nil {
		return err
	}
	ctx, cancel := s.wait(c.r)
	defer cancel()
	f, err := parseLarge(ctx, c, text, jobjson.ParseFlow)
	if err != nil {
		return err
	}
	if f.ID == "" {
		f.ID = key
	}
	c.entry.id = f.ID
	if err := errors.Join(most(c.caller, "deadline", f.Deadline, c.MaxDelay), most(c.caller, "retain", f.Retain, c.MaxRetain)); err != nil {
		return err
	}
	for i, step := range f.Steps {
		place := jobjson.Place("steps", i)
		if err := errors.Join(most(c.caller, place+".signal", step.Timeout, c.MaxDelay), most(c.caller, place+".delay", step.Delay, c.MaxDelay)); err != nil {
			return err
		}
	}
	all, places := f.Jobs()
	if err := s.admitAll(ctx, c, all, places); err != nil {
		return err
	}
	info, err := f.Begin(ctx, s.cfg.Jobs)
	switch {
	case errors.Is(err, drayhorse.ErrDuplicate) && f.IsBatch:
		return duplicate.in("id", "there is a flow of steps %q, which is no batch", f.ID)
	case errors.Is(err, drayhorse.ErrDuplicate):
		return duplicate.in("id", "there is another flow %q, of other steps", f.ID)
	case err != nil:
		return flowProblem(err, f.ID)
	}
	return c.storedFlow(info)
}

// addMembers serves POST /v1/flows/{id}/members: more of a batch that is open.
func (s *Server) addMembers(c *call) error {
	id := c.r.PathValue("id")
	if err := flow.ValidateID(id); err != nil {
		return invalid.in("id", "%v", err)
	}
	c.entry.id = id
	text, key, err := s.newFlow(c)
	if err != nil {
		return err
	}
	ctx, cancel := s.wait(c.r)
	defer cancel()
	m, err := parseLarge(ctx, c, text, jobjson.ParseMembers)
	if err != nil {
		return err
	}
	places := make([]string, len(m.Members))
	for i := range places {
		places[i] = jobjson.Place("members", i)
	}
	if err := s.admitAll(ctx, c, m.Members, places); err != nil {
		return err
	}
	b, err := s.cfg.Jobs.Batch(ctx, id)
	if err != nil {
		return flowProblem(err, id)
	}
	if err := m.Add(ctx, b, key); errors.Is(err, drayhorse.ErrFlowEnded) {
		return closed.in("id", "batch %q is closed, and takes no more members", id)
	} else if err != nil {
		return flowProblem(err, id)
	}
	info, err := s.cfg.Jobs.Flow(ctx, id)
	if err != nil {
		return flowProblem(err, id)
	}
	c.entry.outcome = outcomeStored
	return c.flowAnswer(http.StatusOK, info)
}

// newFlow reads the body of a flow that is to be made, or added to, and gives the key that becomes its ID if it has none.
func (s *Server) newFlow(c *call) (text []byte, key string, err error) {
	if err := wantType(c.r, "application/json"); err != nil {
		return nil, "", err
	}
	if key, err = idempotencyKey(c.r, drayhorse.MaxNameLength-flow.MaxIDLength); err != nil {
		return nil, "", err
	}
	if len(c.Enqueue) == 0 {
		return nil, "", forbidden.in("queue", "token %q may not enqueue", c.Name)
	}
	text, err = s.body(c)
	return text, key, err
}

// parseLarge reads what has many jobs in it, once there is room for them.
func parseLarge[T any](ctx context.Context, c *call, text []byte, parse func([]byte) (T, error)) (T, error) {
	steps := int64(min(len(text)/leastStep, flow.MaxSteps))
	if err := c.hold(ctx, max(int64(len(text))*bodyFactor+steps*stepSize, answerSize)); err != nil {
		var none T
		return none, err
	}
	return withParser(ctx, c, text, parse)
}

// admitAll sees to it that a caller may enqueue all jobs of a flow now: or none of them is stored. Places
// are where they stand in the body.
func (s *Server) admitAll(ctx context.Context, c *call, all []*jobjson.Job, places []string) error {
	if err := c.hasRate(c.puts, max(len(all), 1), "put in jobs"); err != nil {
		return err
	}
	queues := make([]string, len(all))
	for i, job := range all {
		if err := c.mayEnqueue(job); err != nil {
			return inPlace(places[i], err)
		}
		queues[i] = job.Settings.Queue
	}
	refused, err := s.queues.admit(ctx, c, queues...)
	if err != nil {
		return err
	}
	if i := slices.IndexFunc(refused, func(err error) bool { return err != nil }); i >= 0 {
		return inPlace(places[i], refused[i])
	}
	return nil
}

// inPlace has a problem say of which job of a flow it is.
func inPlace(place string, err error) error {
	p := *problemOf(err)
	if p.Field != "" {
		place += "." + p.Field
	}
	p.Field, p.Detail = place, place+": "+p.Detail
	return &p
}

// flowReceipt is what a caller who may not read flows learns of one.
type flowReceipt struct {
	ID        string     `json:"id"`
	State     flow.State `json:"state"`
	Duplicate bool       `json:"duplicate,omitempty"`
}

// storedFlow answers with a flow that is new, or that was there before.
func (c *call) storedFlow(info *flow.Info) error {
	code := http.StatusCreated
	c.entry.id, c.entry.outcome = info.ID, outcomeStored
	if info.Duplicate {
		code, c.entry.outcome = http.StatusOK, outcomeDuplicate
	}
	c.w.Header().Set("Location", "/v1/flows/"+url.PathEscape(info.ID))
	return c.flowAnswer(code, info)
}

// flowAnswer says how a flow stands, as far as the caller may know.
func (c *call) flowAnswer(code int, info *flow.Info) error {
	if !c.Read.HasAll(scope.Every) {
		return c.answer(code, flowReceipt{info.ID, info.State, info.Duplicate})
	}
	return c.answer(code, info)
}

// flow serves GET /v1/flows/{id}.
func (s *Server) flow(c *call) error {
	id, err := c.wantFlow(c.Read, "read")
	if err != nil {
		return err
	}
	ctx, cancel := s.wait(c.r)
	defer cancel()
	info, err := s.cfg.Jobs.Flow(ctx, id)
	if err != nil {
		return flowProblem(err, id)
	}
	return c.answer(http.StatusOK, info)
}

// flowResult serves GET /v1/flows/{id}/steps/{name}/result.
func (s *Server) flowResult(c *call) error {
	id, err := c.wantFlow(c.Read, "read")
	if err != nil {
		return err
	}
	name := c.r.PathValue("name")
	if err := drayhorse.ValidateStep("step", name); err != nil {
		return invalid.in("name", "%v", err)
	}
	if err := c.hold(c.r.Context(), answerSize); err != nil {
		return err
	}
	ctx, cancel := s.wait(c.r)
	defer cancel()
	var result json.RawMessage
	err = s.cfg.Jobs.FlowResult(ctx, id, name, &result)
	switch {
	case errors.Is(err, drayhorse.ErrNoResult), errors.Is(err, drayhorse.ErrInvalid):
		return notFound.in("name", "%v", err)
	case err != nil:
		return flowProblem(err, id)
	}
	return c.answer(http.StatusOK, result)
}

// cancelFlow serves DELETE /v1/flows/{id}.
func (s *Server) cancelFlow(c *call) error {
	id, err := c.wantFlow(c.Cancel, "cancel")
	if err != nil {
		return err
	}
	ctx, cancel := s.wait(c.r)
	defer cancel()
	if err := s.cfg.Jobs.CancelFlow(ctx, id); err != nil {
		return flowProblem(err, id)
	}
	c.entry.outcome = outcomeCancelled
	c.w.WriteHeader(http.StatusAccepted)
	return nil
}

// wantFlow gives the ID of the flow that a request is about, if its caller may do that.
func (c *call) wantFlow(within scope.Scope, verb string) (string, error) {
	id := c.r.PathValue("id")
	if err := flow.ValidateID(id); err != nil {
		return "", invalid.in("id", "%v", err)
	}
	c.entry.id = id
	if !within.HasAll(scope.Every) {
		return "", forbidden.in("id", "token %q may not %s flows; want %s: ['*']", c.Name, verb, verb)
	}
	return id, c.hasRate(c.looks, 1, lookUp)
}

// flowProblem says what an error of a flow means to a client.
func flowProblem(err error, id string) error {
	switch {
	case errors.Is(err, drayhorse.ErrNotFound):
		return notFound.in("id", "there is no flow %q", id)
	case errors.Is(err, drayhorse.ErrFlowEnded):
		return ended.in("id", "flow %q has ended", id)
	}
	return err
}
