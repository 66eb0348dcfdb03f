package drayhorse

import (
	"fmt"
	"time"
)

// ArgsWithOptions is Args that bring options of their own, so that what belongs to a kind
// is said once, beside it:
//
//	func (Welcome) Options() []drayhorse.Option {
//		return []drayhorse.Option{drayhorse.Queue("mail"), drayhorse.MaxAttempts(5)}
//	}
//
// Enqueue, EnqueueMany and a schedule take them before the options that they are given,
// which win. They may depend on the fields, such as an ID made of one. A schedule takes
// what ticks can have, and passes over ID, ReplaceEnded, In, At and Durable.
type ArgsWithOptions interface {
	Args
	Options() []Option
}

// ResolveArgs is [Resolve] with the options that the arguments bring before the others.
// An At among the others takes the place of an In that the arguments bring, and the other
// way round. The errors are those of Resolve, and ErrInvalid where Options panics.
func ResolveArgs(a Args, options ...Option) (Settings, error) {
	s, err := ResolveFresh(a, options...)
	if err != nil {
		return s, err
	}
	return s, s.refuseFresh()
}

// ResolveFresh is ResolveArgs for producer.Do: Fresh may be among the options.
func ResolveFresh(a Args, options ...Option) (Settings, error) {
	own, err := optionsOf(a)
	switch {
	case err != nil:
		return Settings{}, err
	case len(own) == 0:
		return resolveAny(options)
	}
	s, err := resolveAny(own)
	if err != nil {
		return Settings{}, fmt.Errorf("options of %T: %w", a, err)
	}
	if given := givenBy(options); given&(FieldIn|FieldAt) != 0 {
		s.In, s.At, s.Given = 0, time.Time{}, s.Given&^(FieldIn|FieldAt)
	}
	return resolve(s, options)
}

// givenBy says which options there are.
func givenBy(options []Option) Fields {
	var s Settings
	for _, o := range options {
		if o != nil { // which resolve refuses
			o.apply(&s)
		}
	}
	return s.Given
}

// optionsOf gives the options that arguments bring.
func optionsOf(a Args) (options []Option, err error) {
	with, ok := a.(ArgsWithOptions)
	if !ok {
		return nil, nil
	}
	if err := notNil(a); err != nil {
		return nil, err
	}
	defer caught(&err, "Options", a)
	return with.Options(), nil
}
