package drayhorse

import (
	"fmt"
	"slices"
	"strings"
)

// Priority says which of the jobs that wait in a queue start first: drayhorse.Priority(drayhorse.High)
// is an option of a job. Those of a higher priority do, and among those of one the first one. One
// in 8 starts is left to the next lower priority that has jobs, one in 64 to the one below, one in
// 512 to the last, so that none waits for ever. Default: Normal.
type Priority int8

// The priorities.
const (
	Low    Priority = -1
	Normal Priority = 0
	High   Priority = 1
	Urgent Priority = 2
)

// priorityWords are their texts, the lowest first.
var priorityWords = []string{"low", "normal", "high", "urgent"}

// Priorities lists them, the highest first.
func Priorities() []Priority { return []Priority{Urgent, High, Normal, Low} }

func (p Priority) apply(s *Settings) {
	s.Given |= FieldPriority
	s.Priority = p
}

func (p Priority) validate() error {
	if p < Low || p > Urgent {
		return fmt.Errorf("%w: Priority(%d); want Low, Normal, High or Urgent", ErrInvalid, p)
	}
	return nil
}

// String is low, normal, high or urgent.
func (p Priority) String() string {
	if p.validate() != nil {
		return fmt.Sprintf("unknown (%d)", int8(p))
	}
	return priorityWords[p-Low]
}

// MarshalText writes low, normal, high or urgent.
func (p Priority) MarshalText() ([]byte, error) { return []byte(p.String()), nil }

// UnmarshalText reads what MarshalText writes. The error is ErrInvalid.
func (p *Priority) UnmarshalText(text []byte) error {
	i := slices.Index(priorityWords, string(text))
	if i < 0 {
		return fmt.Errorf("%w: priority %q; want %s", ErrInvalid, clip(string(text)), strings.Join(priorityWords, ", "))
	}
	*p = Low + Priority(i) //nolint:gosec // of four
	return nil
}
