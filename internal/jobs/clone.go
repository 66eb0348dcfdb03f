package jobs

import (
	"context"
	"fmt"
)

// Clone enqueues a job anew, whether it waits, runs or has ended, and gives the stored ID of
// what it has made: a job of the same kind, arguments and settings that is due at once. It is
// unique by nothing, no member of a batch and no step of a flow, and of no schedule, whatever
// the first one is. A queue that is full takes no clone. The error is drayhorse.ErrNotFound if
// the job is not known, a *drayhorse.EndedError if nothing is kept of it but how it ended, or
// one of Enqueue.
func (p *Partition) Clone(ctx context.Context, id string) (string, error) {
	envelope, err := p.keptEnvelope(ctx, id)
	if err != nil {
		return "", err
	}
	job := &NewJob{Envelope: &Envelope{
		Kind: envelope.Kind, Args: envelope.Args, MaxAttempts: envelope.MaxAttempts, Timeout: envelope.Timeout,
		Retain: envelope.Retain, StartWithin: envelope.StartWithin, EnqueuedAt: p.Now(),
		Priority: envelope.Priority, Group: envelope.Group, Tags: envelope.Tags,
	}}
	writer := NewWriter(p)
	defer writer.Close()
	stored, err := writer.Enqueue(ctx, job)
	if err != nil {
		return "", err
	}
	return job.ID, p.FullError(stored...)
}

// keptEnvelope gives the envelope of a job, as long as it is kept.
func (p *Partition) keptEnvelope(ctx context.Context, id string) (*Envelope, error) {
	found, err := p.inspect(ctx, []string{id})
	if err != nil {
		return nil, err
	}
	kept, live := liveEnvelope(found[0])
	if answer := asList(found[0]); !live && len(answer) > 1 && answer[0] == "ended" {
		if r, err := decodeRecord(asString(answer[1])); err == nil {
			kept = r.envelope
		}
	}
	if kept == "" {
		return nil, p.orEnded(ctx, id, p.unknown(id))
	}
	envelope, err := DecodeEnvelope(kept)
	if err != nil {
		return nil, fmt.Errorf("job %s: %w", UnpackID(id), err)
	}
	return envelope, nil
}
