package producer

import (
	"context"
	"fmt"
	"io"

	"github.com/drayhorse/drayhorse"
	"github.com/drayhorse/drayhorse/internal/jobs"
)

// Stream reads what a job's handler writes to job.Stream. It is for one goroutine.
type Stream struct {
	p        *Producer
	part     *jobs.Partition
	id       string // as stored
	name     string
	offset   int64
	start    int64 // of the run that is read
	begun    bool  // a part was read
	watching *jobs.Watching
}

// ReadStream reads a stream of a job from an offset on: 0 is the beginning, and each part says
// where the next begins. Who comes late gets all that is there; who comes early waits for the
// first part. The stream is there while the job lives or is kept, and a minute after its end at
// least. When a new run of the job begins to write, what is read goes on with that, and says so:
// StreamChunk.Restarted.
//
// The options are those of Get. The errors are drayhorse.ErrNotFound for the job, or if it has
// ended and has no such stream; ErrInvalid; ErrUnavailable; and ErrClosed.
func (p *Producer) ReadStream(ctx context.Context, id, name string, offset int64, options ...drayhorse.Option) (*Stream, error) {
	if err := drayhorse.ValidateStream(name); err != nil {
		return nil, err
	}
	if offset < 0 {
		return nil, fmt.Errorf("%w: offset %d of stream %s; want 0 or more", drayhorse.ErrInvalid, offset, name)
	}
	var s *Stream
	err := p.find(ctx, id, options, func(part *jobs.Partition, stored string) error {
		state, err := part.ReadStream(ctx, stored, name, offset)
		if err != nil {
			return err
		}
		if !state.Live && !state.Found {
			return fmt.Errorf("%w: job %s has ended and has no stream %q", drayhorse.ErrNotFound, id, name)
		}
		s = &Stream{p: p, part: part, id: stored, name: name, offset: offset, start: state.Start}
		return nil
	})
	return s, err
}

// Next gives the next part, of up to 64 KiB, and waits for it while the job lives; it is woken
// when there is one. The error is io.EOF when the job has ended and all was read;
// drayhorse.ErrNotFound if the job is gone before that; ErrUnavailable, after which Next may be
// called again; ErrBusy, ErrClosed; and that of ctx.
func (s *Stream) Next(ctx context.Context) (drayhorse.StreamChunk, error) {
	for {
		if err := s.p.enter(); err != nil {
			return drayhorse.StreamChunk{}, err
		}
		state, err := s.part.ReadStream(ctx, s.id, s.name, s.offset)
		s.p.leave()
		switch {
		case err != nil:
			return drayhorse.StreamChunk{}, err
		case len(state.Data) > 0:
			return s.take(state), nil
		case !state.Live:
			return drayhorse.StreamChunk{}, io.EOF
		}
		if err := s.wait(ctx); err != nil {
			return drayhorse.StreamChunk{}, err
		}
	}
}

// take makes a part of what was read.
func (s *Stream) take(state *jobs.StreamState) drayhorse.StreamChunk {
	chunk := drayhorse.StreamChunk{
		Data: state.Data, Offset: state.Offset + int64(len(state.Data)), Attempt: state.Attempt,
		Restarted: state.Start != s.start && (s.begun || s.offset > 0),
	}
	s.offset, s.start, s.begun = chunk.Offset, state.Start, true
	return chunk
}

// wait waits until there may be something to read. The first time it looks again at once: what
// came before it was noted, nobody has told of.
func (s *Stream) wait(ctx context.Context) error {
	if s.watching == nil {
		watching, err := s.p.inbox.Watch(s.part, s.id)
		if err != nil {
			return err
		}
		s.watching = watching
	}
	select {
	case <-s.watching.News:
		over, err := s.watching.Over()
		if over {
			_ = s.Close() // the next wait begins anew
		}
		return err
	case <-s.p.closing:
		return drayhorse.ErrClosed
	case <-ctx.Done():
		return fmt.Errorf("stream %s of job %s: %w", s.name, jobs.UnpackID(s.id), ctx.Err())
	}
}

// Close ends the reading. The error is nil.
func (s *Stream) Close() error {
	if s.watching != nil {
		s.watching.Stop()
		s.watching = nil
	}
	return nil
}

// Log gives what is kept of a job's log; empty if it has none. The options and errors are those
// of Get.
func (p *Producer) Log(ctx context.Context, id string, options ...drayhorse.Option) (*drayhorse.JobLog, error) {
	var log *drayhorse.JobLog
	err := p.find(ctx, id, options, func(part *jobs.Partition, stored string) (err error) {
		log, _, err = part.Log(ctx, stored)
		return err
	})
	return log, err
}

// Steps gives what the steps of a job's handler have come to, and the signals that it got; see
// package step. The options and errors are those of Get.
func (p *Producer) Steps(ctx context.Context, id string, options ...drayhorse.Option) (*drayhorse.JobSteps, error) {
	var steps *drayhorse.JobSteps
	err := p.find(ctx, id, options, func(part *jobs.Partition, stored string) (err error) {
		steps, err = part.Steps(ctx, stored)
		return err
	})
	return steps, err
}
