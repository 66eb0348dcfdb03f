package jobs

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/drayhorse/drayhorse"
)

// MaxPage is how many jobs can be asked for at once.
const MaxPage = 100

// Inspect gives all that is known of jobs, by stored IDs, in their order; nil where
// there is nothing. Of an ID of the caller's own that is still taken though its job is
// gone, its Info has the ID and Completed alone.
func (p *Partition) Inspect(ctx context.Context, ids ...string) ([]*drayhorse.Info, error) {
	found, err := p.inspect(ctx, ids)
	if err != nil || len(ids) == 0 {
		return nil, err
	}
	infos := make([]*drayhorse.Info, len(ids))
	for i := range ids {
		infos[i] = p.info(ids[i], asList(found[i]))
	}
	return infos, nil
}

// Envelopes gives the envelopes of jobs that have not ended, by stored IDs, in their
// order; nil where there is none. The error is also that of one that cannot be read.
func (p *Partition) Envelopes(ctx context.Context, ids ...string) ([]*Envelope, error) {
	found, err := p.inspect(ctx, ids)
	if err != nil {
		return nil, err
	}
	envelopes := make([]*Envelope, len(ids))
	for i := range ids {
		stored, live := liveEnvelope(found[i])
		if !live {
			continue
		}
		if envelopes[i], err = DecodeEnvelope(stored); err != nil {
			return nil, fmt.Errorf("job %s: %w", UnpackID(ids[i]), err)
		}
	}
	return envelopes, nil
}

// inspect gives the answers of inspect.lua, one for each ID.
func (p *Partition) inspect(ctx context.Context, ids []string) ([]any, error) {
	if len(ids) == 0 {
		return nil, nil
	}
	args := make([]any, len(ids))
	for i, id := range ids {
		args[i] = id
	}
	value, err := p.run(ctx, inspectScript, args...)
	if err != nil {
		return nil, err
	}
	found := asList(value)
	if len(found) != len(ids) {
		return nil, fmt.Errorf("inspect: %d answers for %d ids", len(found), len(ids))
	}
	return found, nil
}

// Get gives what is known of one job. The error is drayhorse.ErrNotFound.
func (p *Partition) Get(ctx context.Context, id string) (*drayhorse.Info, error) {
	infos, err := p.Inspect(ctx, id)
	if err != nil {
		return nil, err
	}
	if infos[0] == nil {
		return nil, p.unknown(id)
	}
	return infos[0], nil
}

// unknown is the error of a job of which nothing is known here.
func (p *Partition) unknown(id string) error {
	return fmt.Errorf("%w: job %s in queue %s", drayhorse.ErrNotFound, UnpackID(id), p.Queue)
}

// liveEnvelope gives the envelope, as stored, that one answer of inspect.lua has. It reports
// false if the job is not live.
func liveEnvelope(found any) (stored string, live bool) {
	answer := asList(found)
	if len(answer) < 3 || answer[0] != "live" {
		return "", false
	}
	return asString(answer[2]), true
}

// info reads one answer of inspect.lua.
func (p *Partition) info(id string, found []any) *drayhorse.Info {
	info := &drayhorse.Info{ID: UnpackID(id), Queue: p.Queue}
	switch {
	case len(found) == 10 && found[0] == "live":
		failed, rescued := tally(asString(found[3]))
		info.State = drayhorse.State(asString(found[1]))
		info.Attempt, info.Rescues = failed+1, rescued
		info.Errors = decodeErrors(asString(found[4]))
		info.DueAt = asTime(found[5])
		info.Parked = asInt(found[7]) == 1
		describe(info, asString(found[2]))
		info.Progress = decodeProgress(asString(found[8]))
		info.Worker, _, _ = strings.Cut(asString(found[9]), ".")
	case len(found) == 3 && found[0] == "ended":
		ended(info, asString(found[1]))
		info.Progress = decodeProgress(asString(found[2]))
	case len(found) == 2 && found[0] == "seen":
		info.State = drayhorse.State(asString(found[1]))
	default:
		return nil
	}
	return info
}

// describe fills in what the envelope says. One that cannot be read is an error of
// the job, not of whoever looks at it.
func describe(info *drayhorse.Info, envelope string) {
	e, err := DecodeEnvelope(envelope)
	if err != nil {
		info.Errors = append(info.Errors, drayhorse.AttemptError{Message: err.Error()})
		return
	}
	info.Kind, info.MaxAttempts, info.Args = e.Kind, e.MaxAttempts, e.Args
	info.EnqueuedAt, info.Tick, info.Priority, info.Group, info.Tags = e.EnqueuedAt, e.Tick, e.Priority, e.Group, e.Tags
}

// ended fills in what the archive says.
func ended(info *drayhorse.Info, s string) {
	r, err := decodeRecord(s)
	if err != nil {
		info.State = drayhorse.Discarded
		info.Errors = append(info.Errors, drayhorse.AttemptError{Message: err.Error()})
		return
	}
	info.State, info.FinishedAt, info.Rescues = r.state, r.finishedAt, r.rescued
	info.Errors = decodeErrors(r.errors)
	info.Attempt = r.failed
	if poisoned := r.rescued > suspectRescues; r.state != drayhorse.Discarded || r.failed == 0 || poisoned {
		info.Attempt++ // the failed ones, and the one that ended it
	}
	if r.result != "" {
		info.Result = json.RawMessage(r.result)
	}
	if r.envelope != "" {
		describe(info, r.envelope)
	}
}
