package producer

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/drayhorse/drayhorse"
	"github.com/drayhorse/drayhorse/internal/jobs"
)

// leastKept is how long a job is kept at least whose result somebody waits for, and how long
// beyond the time for which its result stands for others.
const leastKept = time.Minute

// Do gives the result of a job: that of one with the same kind and arguments that has
// completed no longer ago than Fresh says; else that of the run in flight; else that of a
// new one. However many callers there are, in however many processes, one job runs: it is
// Unique, by its kind and arguments unless the options say by what. A caller that gives up
// leaves the job to run. A job that failed stands for nobody: the next call runs another.
//
// The options are those of Enqueue, but for ID, In and At, and drayhorse.Fresh; a Unique
// among them keeps the first. The job is kept for as long as Fresh says, and for a minute at
// least, or longer with Retain.
//
// The errors are a *drayhorse.FailedError if the job was discarded or cancelled;
// drayhorse.ErrNoResult if its handler has set none, or a job that counts as the same was
// enqueued without Retain; ErrInvalid, also where the result is no R; and those of Enqueue
// and Wait.
func Do[A drayhorse.Args, R any](ctx context.Context, p *Producer, args A, options ...drayhorse.Option) (result R, err error) {
	info, err := p.do(ctx, args, options)
	if err != nil {
		return result, err
	}
	if err := json.Unmarshal(info.Result, &result); err != nil {
		return result, fmt.Errorf("%w: result of job %s of kind %s: %w", drayhorse.ErrInvalid, info.ID, info.Kind, err)
	}
	return result, nil
}

// tries is how often Do enqueues where the job that stood for it is gone when it looks.
const tries = 3

// do gives the job whose result is wanted, completed.
func (p *Producer) do(ctx context.Context, args drayhorse.Args, options []drayhorse.Option) (*drayhorse.Info, error) {
	settings, err := drayhorse.ResolveFresh(args, options...)
	if err != nil {
		return nil, err
	}
	if err := share(&settings); err != nil {
		return nil, err
	}
	for try := 1; ; try++ {
		info, err := p.once(ctx, args, settings)
		gone := errors.Is(err, drayhorse.ErrNotFound) || (err == nil && info.Kind == "")
		switch {
		case gone && try < tries:
			continue
		case err != nil:
			return nil, err
		case info.State != drayhorse.Completed:
			return nil, &drayhorse.FailedError{Info: info}
		case len(info.Result) == 0:
			return nil, fmt.Errorf("%w: job %s of kind %s: its handler has set none, or it was enqueued without Retain", drayhorse.ErrNoResult, info.ID, args.Kind())
		}
		return info, nil
	}
}

// once puts in a job, or finds the one that stands for it, and waits for its end.
func (p *Producer) once(ctx context.Context, args drayhorse.Args, settings drayhorse.Settings) (*drayhorse.Info, error) {
	job, queue, err := p.make(new(jobs.Made), args, settings, p.client.Now())
	if err != nil {
		return nil, err
	}
	info, err := p.put(ctx, job, queue)
	if err != nil || info.State.Ended() {
		return info, err
	}
	return p.Wait(ctx, info.ID, drayhorse.Queue(info.Queue))
}

// share makes settings those of a job whose result is for all who ask for it.
func share(s *drayhorse.Settings) error {
	var by drayhorse.UniqueBy
	if s.Unique != nil {
		by = *s.Unique
	}
	switch {
	case s.Given.Has(drayhorse.FieldID):
		return fmt.Errorf("%w: Do with ID(%q); want Unique, by which those are found that count as the same", drayhorse.ErrInvalid, s.ID)
	case s.Given.Has(drayhorse.FieldIn), s.Given.Has(drayhorse.FieldAt):
		return fmt.Errorf("%w: Do with In or At; want a job that runs now", drayhorse.ErrInvalid)
	case by.Conflict != drayhorse.KeepFirst || by.Until != drayhorse.UntilEnded:
		return fmt.Errorf("%w: Do with Unique with %v and Until %v; want KeepFirst and UntilEnded", drayhorse.ErrInvalid, by.Conflict, by.Until)
	}
	by.Fresh = max(by.Fresh, s.Fresh)
	s.Unique = &by
	s.Retain = max(s.Retain, by.Fresh+leastKept) // beyond its time, so that who finds it can read it
	return nil
}
