package httpapi

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"time"

	"github.com/drayhorse/drayhorse"
	"github.com/drayhorse/drayhorse/internal/scope"
)

// Token is a bearer token and what it may do. docs/http.md explains each field for
// those who write token files. A nil limit is that of the server, or none.
type Token struct {
	Name   string `yaml:"name"`   // for the log
	SHA256 Hash   `yaml:"sha256"` // of the token, which itself is kept nowhere

	Enqueue scope.Scope `yaml:"enqueue"` // jobs that it may put in
	Read    scope.Scope `yaml:"read"`    // jobs that it may see
	Cancel  scope.Scope `yaml:"cancel"`  // jobs that it may cancel
	Signal  scope.Scope `yaml:"signal"`  // jobs that it may send signals
	Work    scope.Scope `yaml:"work"`    // jobs that it may run: nothing serves them to tokens yet

	DeleteQueues scope.Scope `yaml:"delete_queues"` // queues that it may delete, with all that is in them

	Rate         *float64 `yaml:"rate"`          // jobs a second; 0: no limit
	ReadRate     *float64 `yaml:"read_rate"`     // look-ups, cancels and signals a second; 0: no limit
	MaxRequests  *int     `yaml:"max_requests"`  // at once
	MaxBatches   *int     `yaml:"max_batches"`   // at once
	CreateQueues *int     `yaml:"create_queues"` // queues that it may create while the server runs

	MaxTimeout  *time.Duration `yaml:"max_timeout"`  // of a job
	MaxAttempts *int           `yaml:"max_attempts"` // of a job
	MaxRetain   *time.Duration `yaml:"max_retain"`   // of a job
	MaxDelay    *time.Duration `yaml:"max_delay"`    // from now until a job is due
	MaxSize     *int           `yaml:"max_size"`     // of the arguments of a job, in bytes
}

// NewToken makes a token of 256 random bits.
func NewToken() string {
	var secret [32]byte
	_, _ = rand.Read(secret[:]) // never fails
	return "dht_" + base64.RawURLEncoding.EncodeToString(secret[:])
}

// Hash is the SHA-256 of a token, written in hexadecimal.
type Hash [sha256.Size]byte

// HashOf gives the hash of a token.
func HashOf(token string) Hash { return sha256.Sum256([]byte(token)) }

func (h Hash) String() string { return hex.EncodeToString(h[:]) }

// UnmarshalText takes 64 hexadecimal digits.
func (h *Hash) UnmarshalText(text []byte) error {
	if len(text) != hex.EncodedLen(len(h)) {
		return fmt.Errorf("%w: sha256 has %d characters; want 64 hexadecimal digits", drayhorse.ErrInvalid, len(text))
	}
	if _, err := hex.Decode(h[:], text); err != nil {
		return fmt.Errorf("%w: sha256 %q; want 64 hexadecimal digits", drayhorse.ErrInvalid, text)
	}
	return nil
}

// maxRate is the largest limit of a rate, in jobs a second.
const maxRate = 1e9

func (t *Token) validate() error {
	if err := ValidateTokenName(t.Name); err != nil {
		return err
	}
	if t.SHA256 == (Hash{}) {
		return fmt.Errorf("%w: token %q has no sha256; want what producer token prints", drayhorse.ErrInvalid, t.Name)
	}
	for _, one := range []scope.Scope{t.Enqueue, t.Read, t.Cancel, t.Signal, t.Work} {
		if err := one.Validate(); err != nil {
			return fmt.Errorf("token %q: %w", t.Name, err)
		}
	}
	for _, entry := range t.DeleteQueues {
		if err := drayhorse.ValidateQueue(entry); entry != scope.Every && err != nil {
			return fmt.Errorf("token %q: delete_queues: %w, or * for all", t.Name, err)
		}
	}
	return t.validateLimits()
}

func (t *Token) validateLimits() error {
	for name, rate := range map[string]*float64{"rate": t.Rate, "read_rate": t.ReadRate} {
		if rate != nil && !(*rate >= 0 && *rate <= maxRate) { // so that no NaN passes
			return fmt.Errorf("%w: token %q has %s %v; want 0 to %v", drayhorse.ErrInvalid, t.Name, name, *rate, float64(maxRate))
		}
	}
	for name, limit := range map[string]*int{
		"max_requests": t.MaxRequests, "max_batches": t.MaxBatches, "max_attempts": t.MaxAttempts, "max_size": t.MaxSize, "create_queues": t.CreateQueues,
	} {
		if limit != nil && (*limit < 0 || *limit == 0 && name == "max_attempts") {
			return fmt.Errorf("%w: token %q has %s %d; want a positive number", drayhorse.ErrInvalid, t.Name, name, *limit)
		}
	}
	for name, limit := range map[string]*time.Duration{"max_timeout": t.MaxTimeout, "max_retain": t.MaxRetain, "max_delay": t.MaxDelay} {
		if limit != nil && (*limit < 0 || *limit == 0 && name == "max_timeout") {
			return fmt.Errorf("%w: token %q has %s %v; want a duration such as 10m", drayhorse.ErrInvalid, t.Name, name, *limit)
		}
	}
	return nil
}

// maxTokenName is how long the name of a token may be, in bytes.
const maxTokenName = 128

// ValidateTokenName reports why a token cannot have a name, as drayhorse.ErrInvalid: it
// stands in the log and in metrics.
func ValidateTokenName(name string) error {
	if name == "" {
		return fmt.Errorf("%w: no name; want one, for the log", drayhorse.ErrInvalid)
	}
	if len(name) > maxTokenName || !isPrintable(name) {
		return fmt.Errorf("%w: token %q; want a name of 1-%d printable characters", drayhorse.ErrInvalid, clip(name), maxTokenName)
	}
	return nil
}
