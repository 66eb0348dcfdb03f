package httpapi

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/drayhorse/drayhorse"
	"github.com/drayhorse/drayhorse/internal/jobjson"
)

// enqueue serves POST /v1/jobs.
func (s *Server) enqueue(c *call) error {
	if err := wantType(c.r, "application/json"); err != nil {
		return err
	}
	key, err := idempotencyKey(c.r, 0)
	if err != nil {
		return err
	}
	text, err := s.body(c)
	if err != nil {
		return err
	}
	job, err := jobjson.Parse(text)
	if err != nil {
		return err
	}
	if key != "" && !job.Settings.Given.Has(drayhorse.FieldID) {
		job.Spec.Options = append(job.Spec.Options, drayhorse.ID(key))
	}
	ctx, cancel := wait(c.r)
	defer cancel()
	if err := c.mayEnqueue(job.Settings.Queue); err != nil {
		return err
	}
	if err := c.hasRate(); err != nil {
		return err
	}
	if err := s.depths.take(ctx, job.Settings.Queue); err != nil {
		return err
	}
	info, err := s.cfg.Jobs.Enqueue(ctx, job.Spec.Args, job.Spec.Options...)
	if err != nil {
		return err
	}
	return c.stored(info)
}

// receipt is what a caller who may not read a queue learns of a job in it.
type receipt struct {
	ID        string `json:"id"`
	Queue     string `json:"queue"`
	Duplicate bool   `json:"duplicate,omitempty"`
}

// stored answers with a job that is new, or that was there before.
func (c *call) stored(info *drayhorse.Info) error {
	code := http.StatusCreated
	if info.Duplicate {
		code = http.StatusOK
	}
	info.EnqueuedAt = info.EnqueuedAt.Truncate(time.Millisecond) // as it is kept, so that a repeat is answered alike
	c.w.Header().Set("Location", "/v1/jobs/"+url.PathEscape(info.ID)+"?queue="+url.QueryEscape(info.Queue))
	if !c.Read.has(info.Queue) {
		return c.answer(code, receipt{info.ID, info.Queue, info.Duplicate})
	}
	return c.answer(code, info)
}

func (c *call) answer(code int, v any) error {
	text, err := json.Marshal(v)
	if err != nil {
		return err
	}
	c.w.Header().Set("Content-Type", "application/json")
	c.w.WriteHeader(code)
	_, _ = c.w.Write(append(text, '\n')) // a client that is gone needs no answer
	return nil
}

// get serves GET /v1/jobs/{id}.
func (s *Server) get(c *call) error {
	var info *drayhorse.Info
	err := c.find(c.Read, "read", func(ctx context.Context, id string, where []drayhorse.Option) (err error) {
		info, err = s.cfg.Jobs.Get(ctx, id, where...)
		return err
	})
	if err != nil {
		return err
	}
	return c.answer(http.StatusOK, info)
}

// cancel serves DELETE /v1/jobs/{id}.
func (s *Server) cancel(c *call) error {
	err := c.find(c.Cancel, "cancel", func(ctx context.Context, id string, where []drayhorse.Option) error {
		return s.cfg.Jobs.Cancel(ctx, id, where...)
	})
	if err != nil {
		return err
	}
	c.w.WriteHeader(http.StatusAccepted)
	return nil
}

// find calls act for each place where the job may be until one knows it.
func (c *call) find(scope Scope, verb string, act func(ctx context.Context, id string, where []drayhorse.Option) error) error {
	id := c.r.PathValue("id")
	if err := drayhorse.ValidateID(id); err != nil {
		return invalid.in("id", "%v", err)
	}
	places, err := c.places(scope, verb)
	if err != nil {
		return err
	}
	ctx, cancel := wait(c.r)
	defer cancel()
	for _, where := range places {
		if err = act(ctx, id, where); !errors.Is(err, drayhorse.ErrNotFound) {
			return err
		}
	}
	return err
}

// body reads a body, within the limit of its size.
func (s *Server) body(c *call) ([]byte, error) {
	most := s.cfg.Limits.MaxBody
	text, err := io.ReadAll(http.MaxBytesReader(c.w, c.r.Body, int64(most)))
	if _, ok := errors.AsType[*http.MaxBytesError](err); ok {
		return nil, tooLarge.in("", "the body is longer than %d bytes", most)
	}
	if err != nil {
		return nil, unread(err)
	}
	// net/http goes on reading, to see whether the client goes away: it has time now.
	_ = http.NewResponseController(c.w).SetReadDeadline(time.Time{})
	return text, nil
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
