package jobs

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/google/uuid"

	"github.com/drayhorse/drayhorse"
	"github.com/drayhorse/drayhorse/flow"
)

// Signal is a value that a job gets, for which a step of its handler waits or will.
type Signal struct {
	flow.SignalSettings

	Name    string
	Payload json.RawMessage
}

// NewSignal makes a signal. The error is drayhorse.ErrInvalid.
func NewSignal(name string, payload any, options []flow.SignalOption) (*Signal, error) {
	s := &Signal{Name: name}
	for _, o := range options {
		if o == nil {
			return nil, fmt.Errorf("%w: an option of signal %s is nil", drayhorse.ErrInvalid, clip(name))
		}
		o(&s.SignalSettings)
	}
	if err := drayhorse.ValidateStep("signal", name); err != nil {
		return nil, err
	}
	var err error
	if s.Payload, err = json.Marshal(payload); err != nil {
		return nil, fmt.Errorf("%w: the value of signal %s is no JSON: %w", drayhorse.ErrInvalid, name, err)
	}
	if len(s.Payload) > drayhorse.MaxSignalBytes {
		return nil, fmt.Errorf("%w: the value of signal %s has %d bytes; at most %d are allowed", drayhorse.ErrInvalid, name, len(s.Payload), drayhorse.MaxSignalBytes)
	}
	if err := drayhorse.ValidateSender(s.Sender); err != nil {
		return nil, err
	}
	if s.Key == "" {
		s.Key = uuid.NewString()
	} else if drayhorse.ValidateID(s.Key) != nil {
		return nil, fmt.Errorf("%w: key %q of signal %s; want 1-%d of letters, digits and _ . : - @", drayhorse.ErrInvalid, clip(s.Key), name, drayhorse.MaxNameLength)
	}
	return s, nil
}

// Signal gives it to a live job. It reports false if it was there, by its key. The errors are
// drayhorse.ErrNotFound, ErrSignalled, ErrSignalLate, and ErrInvalid where the job has as many
// as it may; and a *drayhorse.EndedError where it is known that the job has ended.
func (p *Partition) Signal(ctx context.Context, id string, s *Signal) (first bool, err error) {
	value, err := p.run(ctx, signalScript, id, s.Name, s.Key, s.Sender, string(s.Payload))
	if err != nil {
		return false, p.orEnded(ctx, id, err)
	}
	return asInt(value) == 1, nil
}
