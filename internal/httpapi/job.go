package httpapi

import (
	"context"
	"encoding/json"
	"errors"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/drayhorse/drayhorse"
	"github.com/drayhorse/drayhorse/internal/scope"
)

// enqueue serves POST /v1/jobs. What the token alone decides comes before the body.
func (s *Server) enqueue(c *call) error {
	if err := wantType(c.r, "application/json"); err != nil {
		return err
	}
	key, err := idempotencyKey(c.r, 0)
	if err != nil {
		return err
	}
	if len(c.Enqueue) == 0 {
		return forbidden.in("queue", "token %q may not enqueue", c.Name)
	}
	if err := c.hasRate(c.puts, 1, "put in jobs"); err != nil {
		return err
	}
	text, err := s.body(c)
	if err != nil {
		return err
	}
	ctx, cancel := s.wait(c.r)
	defer cancel()
	job, err := c.parse(ctx, text)
	if err != nil {
		return err
	}
	if key != "" && !job.Settings.Given.Has(drayhorse.FieldID) {
		job.Spec.Options, job.Settings.ID = append(job.Spec.Options, drayhorse.ID(key)), key
	}
	c.entry.queue, c.entry.kind, c.entry.id = job.Settings.Queue, job.Spec.Args.Kind(), job.Settings.ID
	if err := c.mayEnqueue(job); err != nil {
		return err
	}
	if job.Settings.ID != "" { // the answer may be a job that is there
		if err := c.hold(ctx, answerSize); err != nil {
			return err
		}
	}
	refused, err := s.queues.admit(ctx, c, job.Settings.Queue)
	if err != nil {
		return err
	}
	if refused[0] != nil {
		return refused[0]
	}
	info, err := s.cfg.Jobs.Enqueue(ctx, job.Spec.Args, job.Spec.Options...)
	if err != nil {
		return err
	}
	return c.stored(info)
}

// receipt is what a caller who may not read a job learns of it.
type receipt struct {
	ID        string `json:"id"`
	Queue     string `json:"queue"`
	Duplicate bool   `json:"duplicate,omitempty"`
}

// stored answers with a job that is new, or that was there before.
func (c *call) stored(info *drayhorse.Info) error {
	code := http.StatusCreated
	c.entry.id, c.entry.outcome = info.ID, outcomeStored
	if info.Duplicate {
		code, c.entry.outcome = http.StatusOK, outcomeDuplicate
	}
	info.EnqueuedAt = info.EnqueuedAt.Truncate(time.Millisecond) // as it is kept, so that a repeat is answered alike
	c.w.Header().Set("Location", "/v1/jobs/"+url.PathEscape(info.ID)+"?queue="+url.QueryEscape(info.Queue))
	if !c.Read.Has(info.Queue, info.Kind) {
		return c.answer(code, receipt{info.ID, info.Queue, info.Duplicate})
	}
	return c.answer(code, info)
}

func (c *call) answer(code int, v any) error {
	text, err := json.Marshal(v)
	if err != nil {
		return err
	}
	c.shrink(int64(len(text)))
	c.w.Header().Set("Content-Type", "application/json")
	c.w.WriteHeader(code)
	_, _ = c.w.Write(append(text, '\n')) // a client that is gone needs no answer
	return nil
}

// get serves GET /v1/jobs/{id}.
func (s *Server) get(c *call) error {
	patience, err := wantWait(c.r)
	if err != nil {
		return err
	}
	ctx, cancel := s.wait(c.r)
	defer cancel()
	info, err := s.seen(ctx, c)
	if err != nil {
		return err
	}
	if patience > 0 && !info.State.Ended() {
		if info, err = s.await(c, info, patience); err != nil {
			return err
		}
	}
	return c.answer(http.StatusOK, info)
}

// seen gives the job that a request is about, if its token may read it.
func (s *Server) seen(ctx context.Context, c *call) (*drayhorse.Info, error) {
	id, places, err := s.wanted(ctx, c, c.Read, "read")
	if err != nil {
		return nil, err
	}
	return s.find(ctx, id, places, c.Read)
}

// cancel serves DELETE /v1/jobs/{id}. Where the token is for some kinds alone, the job is
// looked at before.
func (s *Server) cancel(c *call) error {
	ctx, cancel := s.wait(c.r)
	defer cancel()
	id, places, err := s.wanted(ctx, c, c.Cancel, "cancel")
	if err != nil {
		return err
	}
	if slices.ContainsFunc(c.Cancel, func(entry string) bool { _, kind := scope.Split(entry); return kind != scope.Every }) {
		info, err := s.find(ctx, id, places, c.Cancel)
		if err != nil {
			return err
		}
		c.entry.kind, places = info.Kind, [][]drayhorse.Option{{drayhorse.Queue(info.Queue)}}
	}
	err = inFirst(places, func(where []drayhorse.Option) error { return s.cfg.Jobs.Cancel(ctx, id, where...) })
	if err != nil {
		return err
	}
	c.entry.outcome = outcomeCancelled
	c.w.WriteHeader(http.StatusAccepted)
	return nil
}

// inFirst calls act for the first place where a job has not ended.
func inFirst(places [][]drayhorse.Option, act func(where []drayhorse.Option) error) error {
	missing := drayhorse.ErrNotFound
	for _, where := range places {
		err := act(where)
		if !errors.Is(err, drayhorse.ErrNotFound) {
			return err
		}
		if errors.Is(err, drayhorse.ErrEnded) {
			missing = err
		}
	}
	return missing
}

// wanted says which job a request is about, and where it may be.
func (s *Server) wanted(ctx context.Context, c *call, within scope.Scope, verb string) (id string, places [][]drayhorse.Option, err error) {
	id = c.r.PathValue("id")
	if err := drayhorse.ValidateID(id); err != nil {
		return "", nil, invalid.in("id", "%v", err)
	}
	c.entry.id = id
	places, price, err := s.places(ctx, c, within, verb)
	if err != nil {
		return "", nil, err
	}
	if err := c.hasRate(c.looks, price, lookUp); err != nil {
		return "", nil, err
	}
	return id, places, c.hold(ctx, answerSize)
}

// unread says why the rest of a body could not be read.
func unread(err error) error {
	if p := problemOf(err); p.Status != http.StatusInternalServerError {
		return p
	}
	return badRequest.in("", "the body broke off: %v", err)
}

// wantType refuses bodies of other types, and those that are compressed.
func wantType(r *http.Request, types ...string) error {
	got := r.Header.Get("Content-Type")
	name, parameters, err := mime.ParseMediaType(got)
	if err != nil || !slices.Contains(types, name) {
		return unsupportedType.in("Content-Type", "%q; want %s", clip(got), types[0])
	}
	if set := parameters["charset"]; set != "" && !strings.EqualFold(set, "utf-8") {
		return unsupportedType.in("Content-Type", "charset %q; want utf-8", clip(set))
	}
	if encoding := r.Header.Get("Content-Encoding"); encoding != "" && !strings.EqualFold(encoding, "identity") {
		return unsupportedType.in("Content-Encoding", "%q; want none", clip(encoding))
	}
	return nil
}

const idempotencyHeader = "Idempotency-Key"

// idempotencyKey gives the key of a request, "" for none. It becomes an ID, with
// room for some bytes more, so it must look like one; hashing others would make IDs
// that nobody recognizes.
func idempotencyKey(r *http.Request, room int) (string, error) {
	values := r.Header.Values(idempotencyHeader)
	if len(values) == 0 {
		return "", nil
	}
	key := values[0]
	if n := len(key); n >= 2 && key[0] == '"' && key[n-1] == '"' { // as a string of RFC 9651
		key = key[1 : n-1]
	}
	if len(values) > 1 {
		return "", invalid.in(idempotencyHeader, "the header comes %d times; want it once", len(values))
	}
	if drayhorse.ValidateID(key) != nil || len(key) > drayhorse.MaxNameLength-room {
		return "", invalid.in(idempotencyHeader, "key %q; want 1-%d of letters, digits and _ . : - @, such as a UUID", clip(key), drayhorse.MaxNameLength-room)
	}
	return key, nil
}

func parseQuery(r *http.Request) (url.Values, error) {
	values, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return nil, invalid.in("", "the query %q cannot be read: %v", clip(r.URL.RawQuery), err)
	}
	return values, nil
}
