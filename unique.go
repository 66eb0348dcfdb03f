package drayhorse

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// UniqueBy says which jobs of a queue count as the same, for how long, and what becomes of
// the second of them. The zero value: those of one kind with the same arguments, until
// the first has ended, and the first is kept.
type UniqueBy struct {
	// Key names what must not be there twice, in place of kind and arguments: at most
	// 1 KiB of any text.
	Key string
	// Fields are names of the arguments' fields that count, beside the kind; at most 16.
	// Empty: all arguments. Fields that are not there count as null.
	Fields []string
	// Until says what ends it.
	Until Until
	// For is how long it lasts at least, since the job was enqueued; 0: no longer than
	// Until says.
	For time.Duration
	// Fresh is for how long its result stands for others of the kind: so long since it has
	// completed, as long as it is kept, which takes Retain. 0: not beyond what Until and For say.
	Fresh time.Duration
	// Conflict is what becomes of a second job.
	Conflict Conflict
	// MaxWait is how long Postpone may put a job off in all, since it was enqueued; 0:
	// without an end.
	MaxWait time.Duration
}

// Until is what ends the time in which a job is unique.
type Until uint8

// The ends. A job starts when a worker claims it.
const (
	UntilEnded   Until = iota // it has completed, or was discarded, cancelled or deleted
	UntilStarted              // its first attempt has started
)

// Conflict is what becomes of a job when there is one already that counts as the same.
type Conflict uint8

// The ways to settle it.
const (
	// KeepFirst drops the second: Info.Duplicate is true, and Info is the first.
	KeepFirst Conflict = iota
	// KeepLast has the first run with the second's arguments and options instead, while it
	// waits: Info is the first, with these. Beside one that runs, one more waits. Where the
	// first has ended and For goes on, the second waits until that is over.
	KeepLast
	// Postpone is KeepLast, and the first's time is moved to In from now: the job
	// runs when nobody has enqueued another for that long. MaxWait bounds it.
	Postpone
	// Reject makes the second an error, ErrDuplicate; Info is the first.
	Reject
)

const (
	maxUniqueKey    = 1 << 10
	maxUniqueFields = 16
)

// Unique has a queue hold no two jobs that count as the same. It is decided where the job
// is stored, in one step, and the job itself alone ends it. Jobs with an ID of the
// caller's own are unique by that.
func Unique(by UniqueBy) Option {
	by.Fields = slices.Clone(by.Fields)
	return option{FieldUnique, func(s *Settings) { s.Unique = &by }}
}

// validate looks at what the other settings are, too.
func (u *UniqueBy) validate(s *Settings) error {
	switch {
	case s.Given.Has(FieldID):
		return fmt.Errorf("%w: ID(%q) and Unique are given together; want one of them", ErrInvalid, s.ID)
	case u.Key != "" && len(u.Fields) > 0:
		return fmt.Errorf("%w: Unique with Key %q and Fields %q; want one of them", ErrInvalid, clip(u.Key), u.Fields)
	case len(u.Key) > maxUniqueKey:
		return fmt.Errorf("%w: Unique with a Key of %d bytes; want at most %d", ErrInvalid, len(u.Key), maxUniqueKey)
	case len(u.Fields) > maxUniqueFields || slices.Contains(u.Fields, ""):
		return fmt.Errorf("%w: Unique with Fields %q; want 1 to %d names", ErrInvalid, u.Fields, maxUniqueFields)
	case u.Until > UntilStarted:
		return fmt.Errorf("%w: Unique with Until(%v); want UntilEnded or UntilStarted", ErrInvalid, u.Until)
	case u.Conflict > Reject:
		return fmt.Errorf("%w: Unique with Conflict(%v); want KeepFirst, KeepLast, Postpone or Reject", ErrInvalid, u.Conflict)
	case u.For < 0 || u.For > maxDuration:
		return fmt.Errorf("%w: Unique with For %v; want 0 to 100 years", ErrInvalid, u.For)
	case u.Fresh < 0 || u.Fresh > maxDuration:
		return fmt.Errorf("%w: Unique with Fresh %v; want 0 to 100 years", ErrInvalid, u.Fresh)
	case u.Fresh > s.Retain:
		return fmt.Errorf("%w: Unique with Fresh %v and Retain %v; want the result kept for as long", ErrInvalid, u.Fresh, s.Retain)
	case u.Fresh > 0 && u.Until != UntilEnded:
		return fmt.Errorf("%w: Unique with Fresh %v and Until %v; want UntilEnded", ErrInvalid, u.Fresh, u.Until)
	case u.MaxWait < 0 || u.MaxWait > maxDuration:
		return fmt.Errorf("%w: Unique with MaxWait %v; want 0 to 100 years", ErrInvalid, u.MaxWait)
	case u.Conflict == Postpone && s.In == 0:
		return fmt.Errorf("%w: Unique with Postpone and without In; want In, by which the job is put off", ErrInvalid)
	case u.MaxWait > 0 && u.Conflict != Postpone:
		return fmt.Errorf("%w: Unique with MaxWait %v and without Postpone; want both or none", ErrInvalid, u.MaxWait)
	}
	return nil
}

// uniqueWords are the values as texts, in the order of their numbers.
var (
	untilWords    = []string{"ended", "started"}
	conflictWords = []string{"keep_first", "keep_last", "postpone", "reject"}
)

// String is ended or started.
func (u Until) String() string { return wordOf(untilWords, int(u)) }

// MarshalText writes ended or started.
func (u Until) MarshalText() ([]byte, error) { return []byte(u.String()), nil }

// UnmarshalText reads ended or started. The error is ErrInvalid.
func (u *Until) UnmarshalText(text []byte) error {
	i := slices.Index(untilWords, string(text))
	if i < 0 {
		return fmt.Errorf("%w: until %q; want %s", ErrInvalid, clip(string(text)), strings.Join(untilWords, " or "))
	}
	*u = Until(i) //nolint:gosec // of two
	return nil
}

// String is keep_first, keep_last, postpone or reject.
func (c Conflict) String() string { return wordOf(conflictWords, int(c)) }

// MarshalText writes what String gives.
func (c Conflict) MarshalText() ([]byte, error) { return []byte(c.String()), nil }

// UnmarshalText reads what MarshalText writes. The error is ErrInvalid.
func (c *Conflict) UnmarshalText(text []byte) error {
	i := slices.Index(conflictWords, string(text))
	if i < 0 {
		return fmt.Errorf("%w: conflict %q; want one of %s", ErrInvalid, clip(string(text)), strings.Join(conflictWords, ", "))
	}
	*c = Conflict(i) //nolint:gosec // of four
	return nil
}

func wordOf(words []string, i int) string {
	if i < len(words) {
		return words[i]
	}
	return fmt.Sprintf("unknown (%d)", i)
}
