package drayhorse

import "fmt"

// MaxNameLength is the longest name of a queue or kind, and the longest ID, in
// bytes.
const MaxNameLength = 128

// DefaultMaxArgs is how many bytes of JSON the arguments of a job, and its
// result, may have unless configured otherwise.
const DefaultMaxArgs = 1 << 20

// MaxArgsDepth is how deep the objects and arrays of arguments may be nested. Programs
// that read them, in Go and in other languages, stand no more than some thousand, and
// where a job is shown its arguments stand a few deeper.
const MaxArgsDepth = 500

// ValidateQueue reports why name cannot be the name of a queue, as
// ErrQueueInvalid.
func ValidateQueue(name string) error {
	if !validName(name, false) {
		return fmt.Errorf("%w: %q; want 1-%d of letters, digits and _ . : -", ErrQueueInvalid, clip(name), MaxNameLength)
	}
	return nil
}

// ValidateKind reports why name cannot be the name of a kind, as ErrInvalid.
func ValidateKind(name string) error {
	if !validName(name, false) {
		return fmt.Errorf("%w: kind %q; want 1-%d of letters, digits and _ . : -", ErrInvalid, clip(name), MaxNameLength)
	}
	return nil
}

// ValidateID reports why id cannot be the ID of a job, as ErrInvalid.
func ValidateID(id string) error {
	if !validName(id, true) {
		return fmt.Errorf("%w: id %q; want 1-%d of letters, digits and _ . : - @", ErrInvalid, clip(id), MaxNameLength)
	}
	return nil
}

func validName(s string, at bool) bool {
	if s == "" || len(s) > MaxNameLength {
		return false
	}
	for i := range len(s) {
		switch c := s[i]; {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9':
		case c == '_', c == '.', c == ':', c == '-':
		case c == '@' && at:
		default:
			return false
		}
	}
	return true
}

// clip keeps an error message readable whatever was passed as a name.
func clip(s string) string {
	if len(s) <= MaxNameLength {
		return s
	}
	return s[:MaxNameLength] + "..."
}

// DefaultNamespace is the prefix of keys where none is given.
const DefaultNamespace = "drayhorse"

// ValidateNamespace reports why name cannot be the prefix of keys, as ErrInvalid.
func ValidateNamespace(name string) error {
	if !validName(name, false) {
		return fmt.Errorf("%w: namespace %q; want 1-%d of letters, digits and _ . : -", ErrInvalid, clip(name), MaxNameLength)
	}
	return nil
}
