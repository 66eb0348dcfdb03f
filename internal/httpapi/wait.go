package httpapi

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/drayhorse/drayhorse"
	"github.com/drayhorse/drayhorse/internal/duration"
)

// maxWait is how long a request may wait for the end of a job.
const maxWait = time.Minute

// wantWait reads how long a request waits for the end of a job; 0: not.
func wantWait(r *http.Request) (time.Duration, error) {
	query := r.URL.Query()
	if !query.Has("wait") {
		return 0, nil
	}
	d, err := duration.Parse(query.Get("wait"))
	if err != nil || d <= 0 || d > maxWait {
		return 0, invalid.in("wait", "wait %q; want a duration up to %v, such as 30s", clip(query.Get("wait")), maxWait)
	}
	return d, nil
}

// await waits until a job has ended, for patience at most, and says where it stands then.
// What its answer may take of the memory is given back meanwhile. When the server stops it
// answers at once.
func (s *Server) await(c *call, before *drayhorse.Info, patience time.Duration) (*drayhorse.Info, error) {
	c.letGo()
	_ = http.NewResponseController(c.w).SetWriteDeadline(time.Now().Add(patience + s.writeTimeout()))
	ctx, cancel := context.WithTimeout(c.r.Context(), patience)
	defer cancel()
	defer context.AfterFunc(s.stopping, cancel)()
	info, err := s.cfg.Jobs.Wait(ctx, before.ID, drayhorse.Queue(before.Queue))
	if errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled) {
		return s.standing(c, before)
	}
	if err != nil {
		return nil, err
	}
	if info.Kind == "" { // it kept nothing
		info.Kind, info.Args, info.EnqueuedAt, info.MaxAttempts = before.Kind, before.Args, before.EnqueuedAt, before.MaxAttempts
	}
	return info, c.hold(context.WithoutCancel(c.r.Context()), answerSize)
}

// standing says where a job stands that has not ended in time.
func (s *Server) standing(c *call, before *drayhorse.Info) (*drayhorse.Info, error) {
	ctx, cancel := s.wait(c.r)
	defer cancel()
	if err := c.hold(ctx, answerSize); err != nil {
		return nil, err
	}
	return s.cfg.Jobs.Get(ctx, before.ID, drayhorse.Queue(before.Queue))
}
