package jobjson

import (
	"context"
	"fmt"
	"slices"

	"github.com/drayhorse/drayhorse"
	"github.com/drayhorse/drayhorse/flow"
	"github.com/drayhorse/drayhorse/producer"
)

// Beginner begins flows: a *producer.Producer.
type Beginner interface {
	Submit(ctx context.Context, f *flow.Flow) (*flow.Info, error)
	NewBatch(ctx context.Context, b flow.Batch) (*producer.Batch, error)
	Flow(ctx context.Context, id string) (*flow.Info, error)
}

// Begin begins the flow, or finds that of its ID, with Duplicate. A batch gets its members, those without an ID, and that are
// not unique, the batch's with a number behind, and is closed unless it stays open; where that was cut off, the next Begin of that ID goes on.
// The errors are those of Submit, or those of NewBatch, Add and Close.
func (f *Flow) Begin(ctx context.Context, p Beginner) (*flow.Info, error) {
	if !f.IsBatch {
		return p.Submit(ctx, f.Make())
	}
	b, err := p.NewBatch(ctx, flow.Batch{
		ID: f.ID, Deadline: f.Deadline, Retain: f.Retain, OnComplete: specOf(f.OnComplete), OnSuccess: specOf(f.OnSuccess), OnFailure: specOf(f.OnFailure),
	})
	if err != nil {
		return nil, err
	}
	info, err := p.Flow(ctx, b.ID)
	if err == nil && info.State == flow.Open {
		if err = (&Members{f.Members, !f.Open}).Add(ctx, b, b.ID); err == nil {
			info, err = p.Flow(ctx, b.ID)
		}
	}
	if err != nil {
		return nil, err
	}
	info.Duplicate = b.Duplicate
	return info, nil
}

// Add adds the members to a batch, and closes it then, if that was said. With a key those without an ID,
// and that are not unique, have that, with their number behind, from 1 on. The errors are those of Add and Close of the batch.
func (m *Members) Add(ctx context.Context, b *producer.Batch, key string) error {
	specs := make([]drayhorse.Spec, len(m.Members))
	for i, job := range m.Members {
		specs[i] = job.Spec
		if key != "" && job.Settings.Unique == nil && !job.Settings.Given.Has(drayhorse.FieldID) {
			specs[i].Options = append(slices.Clone(specs[i].Options), drayhorse.ID(fmt.Sprintf("%s:%d", key, i+1)))
		}
	}
	for some := range slices.Chunk(specs, producer.MaxMany) {
		if _, err := b.Add(ctx, some...); err != nil {
			return err
		}
	}
	if !m.Close {
		return nil
	}
	return b.Close(ctx)
}

func specOf(job *Job) *drayhorse.Spec {
	if job == nil {
		return nil
	}
	return &job.Spec
}
