package httpapi

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"time"

	"github.com/drayhorse/drayhorse"
)

// logs serves GET /v1/jobs/{id}/logs.
func (s *Server) logs(c *call) error {
	ctx, cancel := s.wait(c.r)
	defer cancel()
	info, err := s.seen(ctx, c)
	if err != nil {
		return err
	}
	log, err := s.cfg.Jobs.Log(ctx, info.ID, drayhorse.Queue(info.Queue))
	if err != nil {
		return err
	}
	return c.answer(http.StatusOK, log)
}

const (
	// maxFollow is how long one answer follows a stream. Clients go on by its last event.
	maxFollow = 10 * time.Minute
	// aliveEvery is how often a stream in which nothing is new says that it lives.
	aliveEvery = 15 * time.Second
)

// streams serves GET /v1/jobs/{id}/streams/{name}: server-sent events, each a part of the
// stream, until the job has ended.
func (s *Server) streams(c *call) error {
	offset, err := wantOffset(c.r)
	if err != nil {
		return err
	}
	name := c.r.PathValue("name")
	if err := drayhorse.ValidateStream(name); err != nil {
		return invalid.in("name", "%v", err)
	}
	ctx, cancel := s.wait(c.r)
	defer cancel()
	info, err := s.seen(ctx, c)
	if err != nil {
		return err
	}
	stream, err := s.cfg.Jobs.ReadStream(ctx, info.ID, name, offset, drayhorse.Queue(info.Queue))
	if errors.Is(err, drayhorse.ErrNotFound) {
		return notFound.in("name", "the job has ended and has no stream %q", name)
	}
	if err != nil {
		return err
	}
	defer stream.Close()
	c.shrink(0)
	follow, stop := context.WithTimeout(c.r.Context(), maxFollow)
	defer stop()
	defer context.AfterFunc(s.stopping, stop)()
	e := s.beginEvents(c)
	if c.r.Method == http.MethodHead {
		return nil
	}
	for {
		// A token that is removed counts no more.
		if who, err := s.authenticate(c.r); err != nil || !who.Read.Has(info.Queue, info.Kind) {
			return nil
		}
		chunk, err := next(follow, stream)
		switch {
		case err == nil:
			err = e.chunk(chunk)
		case errors.Is(err, io.EOF), errors.Is(err, drayhorse.ErrNotFound):
			return e.send("end", "", "{}")
		case follow.Err() != nil:
		case errors.Is(err, context.DeadlineExceeded):
			err = e.alive("")
		case errors.Is(err, drayhorse.ErrUnavailable):
			err = e.alive("")
			pause(follow, outagePause)
		}
		if err != nil {
			return nil
		}
	}
}

func pause(ctx context.Context, d time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}

// next gives the next part, or after a while that there is none yet.
func next(follow context.Context, stream interface {
	Next(ctx context.Context) (drayhorse.StreamChunk, error)
},
) (drayhorse.StreamChunk, error) {
	ctx, cancel := context.WithTimeout(follow, aliveEvery)
	defer cancel()
	return stream.Next(ctx)
}

// wantOffset reads where a stream is to be read from: offset, or what a client was sent last,
// which comes first.
func wantOffset(r *http.Request) (int64, error) {
	field, text := "Last-Event-ID", r.Header.Get("Last-Event-ID")
	if query := r.URL.Query(); text == "" && query.Has("offset") {
		field, text = "offset", query.Get("offset")
		if text == "" {
			text = "empty"
		}
	}
	if text == "" {
		return 0, nil
	}
	offset, err := strconv.ParseInt(text, 10, 64)
	if err != nil || offset < 0 {
		return 0, invalid.in(field, "offset %q; want a number of bytes, 0 or more", clip(text))
	}
	return offset, nil
}

// events writes server-sent events, and gives the client time for each.
type events struct {
	w       http.ResponseWriter
	control *http.ResponseController
	timeout time.Duration
}

// beginEvents begins an answer of server-sent events.
func (s *Server) beginEvents(c *call) *events {
	c.w.Header().Set("Content-Type", "text/event-stream")
	c.w.Header().Set("Cache-Control", "no-store")
	c.w.WriteHeader(http.StatusOK)
	return &events{w: c.w, control: http.NewResponseController(c.w), timeout: s.cfg.Limits.ClientTimeout}
}

// part is a part of a stream as an event has it.
type part struct {
	Data      []byte `json:"data"` // in base64
	Offset    int64  `json:"offset"`
	Attempt   int    `json:"attempt"`
	Restarted bool   `json:"restarted,omitempty"`
}

func (e *events) chunk(chunk drayhorse.StreamChunk) error {
	text, err := json.Marshal(part(chunk))
	if err != nil {
		return err
	}
	return e.send("part", strconv.FormatInt(chunk.Offset, 10), string(text))
}

func (e *events) send(event, id, data string) error {
	text := "event: " + event + "\n"
	if id != "" {
		text += "id: " + id + "\n"
	}
	return e.write(text + "data: " + data + "\n\n")
}

// alive is a comment, behind which a client goes on after what id says; "" where it was.
func (e *events) alive(id string) error {
	if id != "" {
		return e.write(":\nid: " + id + "\n\n")
	}
	return e.write(":\n\n")
}

func (e *events) write(text string) error {
	_ = e.control.SetWriteDeadline(time.Now().Add(e.timeout))
	if _, err := fmt.Fprint(e.w, text); err != nil {
		return err
	}
	return e.control.Flush()
}
