package drayhorse_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/drayhorse/drayhorse"
)

// invoice brings options, one of which is made of a field.
type invoice struct {
	Number string
	bring  []drayhorse.Option
}

func (invoice) Kind() string { return "invoice" }

func (i invoice) Options() []drayhorse.Option {
	return append([]drayhorse.Option{drayhorse.Queue("billing"), drayhorse.MaxAttempts(5), drayhorse.ID("invoice-" + i.Number)}, i.bring...)
}

type lazy struct{ invoice }

func (*lazy) Options() []drayhorse.Option { panic("not ready") }

func TestArgsBringOptions(t *testing.T) {
	t.Parallel()
	s, err := drayhorse.ResolveArgs(invoice{Number: "7"}, drayhorse.MaxAttempts(3))
	if err != nil || s.Queue != "billing" || s.MaxAttempts != 3 || s.ID != "invoice-7" || s.Timeout != drayhorse.DefaultTimeout {
		t.Errorf("%+v, %v; want the options of the arguments, but for MaxAttempts", s, err)
	}
	if !s.Given.Has(drayhorse.FieldQueue | drayhorse.FieldID | drayhorse.FieldMaxAttempts) {
		t.Errorf("given = %b", s.Given)
	}
	at := time.Now().Add(time.Hour)
	s, err = drayhorse.ResolveArgs(invoice{bring: []drayhorse.Option{drayhorse.In(time.Minute)}}, drayhorse.At(at))
	if err != nil || s.In != 0 || !s.At.Equal(at) || s.Given.Has(drayhorse.FieldIn) {
		t.Errorf("%+v, %v; want At alone", s, err)
	}
	s, err = drayhorse.ResolveArgs(invoice{bring: []drayhorse.Option{drayhorse.At(at)}}, drayhorse.In(time.Minute))
	if err != nil || s.In != time.Minute || !s.At.IsZero() || s.Given.Has(drayhorse.FieldAt) {
		t.Errorf("%+v, %v; want In alone", s, err)
	}
	if s, err := drayhorse.ResolveArgs(drayhorse.Raw("k", nil), drayhorse.Queue("mail")); err != nil || s.Queue != "mail" {
		t.Errorf("%+v, %v; want what was given", s, err)
	}
}

func TestWrongOptionsOfArgs(t *testing.T) {
	t.Parallel()
	for want, resolve := range map[string]func() error{
		`options of drayhorse_test.invoice: invalid: MaxAttempts(0)`: func() error {
			_, err := drayhorse.ResolveArgs(invoice{bring: []drayhorse.Option{drayhorse.MaxAttempts(0)}})
			return err
		},
		`arguments of type *drayhorse_test.lazy: Options panics: not ready`: func() error {
			_, err := drayhorse.ResolveArgs(&lazy{})
			return err
		},
		`arguments are a nil *drayhorse_test.lazy`: func() error {
			_, err := drayhorse.ResolveArgs((*lazy)(nil))
			return err
		},
		`option 0 is nil`: func() error {
			_, err := drayhorse.ResolveArgs(invoice{}, nil)
			return err
		},
		`together`: func() error {
			_, err := drayhorse.ResolveArgs(invoice{}, drayhorse.In(1), drayhorse.At(time.Now()))
			return err
		},
	} {
		if err := resolve(); !errors.Is(err, drayhorse.ErrInvalid) || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want %s", err, want)
		}
	}
}

func TestLastAttempt(t *testing.T) {
	t.Parallel()
	for attempt, want := range map[int]bool{1: false, 2: false, 3: true, 4: true} {
		job := &drayhorse.Job[int]{Attempt: attempt, MaxAttempts: 3}
		if job.IsLastAttempt() != want {
			t.Errorf("attempt %d of 3 is the last: %v", attempt, !want)
		}
	}
}
