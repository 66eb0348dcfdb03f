package httpapi

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"slices"

	"golang.org/x/time/rate"

	"github.com/drayhorse/drayhorse"
)

// Token is a bearer token and what it may do.
type Token struct {
	Name    string   `yaml:"name"`    // for the log
	SHA256  Hash     `yaml:"sha256"`  // of the token, which itself is kept nowhere
	Enqueue Scope    `yaml:"enqueue"` // queues that it may put jobs in
	Read    Scope    `yaml:"read"`    // queues whose jobs it may see
	Cancel  Scope    `yaml:"cancel"`  // queues whose jobs it may cancel
	Rate    *float64 `yaml:"rate"`    // jobs a second, 0: no limit; nil: that of Limits
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

// Scope is a set of queues, by name; "*" stands for all there are and will be.
type Scope []string

const everyQueue = "*"

func (s Scope) all() bool { return slices.Contains(s, everyQueue) }

func (s Scope) has(queue string) bool { return s.all() || slices.Contains(s, queue) }

func (s Scope) validate() error {
	for _, queue := range s {
		if queue == everyQueue {
			continue
		}
		if err := drayhorse.ValidateQueue(queue); err != nil {
			return fmt.Errorf("%w, or * for all", err)
		}
	}
	return nil
}

func (t *Token) validate() error {
	if t.Name == "" {
		return fmt.Errorf("%w: no name; want one, for the log", drayhorse.ErrInvalid)
	}
	if t.SHA256 == (Hash{}) {
		return fmt.Errorf("%w: token %q has no sha256; want what producer token prints", drayhorse.ErrInvalid, t.Name)
	}
	if t.Rate != nil && !(*t.Rate >= 0 && *t.Rate <= maxRate) { // so that no NaN passes
		return fmt.Errorf("%w: token %q has rate %v; want 0 to %v", drayhorse.ErrInvalid, t.Name, *t.Rate, float64(maxRate))
	}
	for _, scope := range []Scope{t.Enqueue, t.Read, t.Cancel} {
		if err := scope.validate(); err != nil {
			return fmt.Errorf("token %q: %w", t.Name, err)
		}
	}
	return nil
}

// caller is who makes a request.
type caller struct {
	Token

	limiter *rate.Limiter
}

// maxRate is the largest limit of a rate, in jobs a second.
const maxRate = 1e9

func newCaller(t Token, fallback int) *caller {
	n := float64(fallback)
	if t.Rate != nil {
		n = *t.Rate
	}
	if n == 0 {
		return &caller{t, rate.NewLimiter(rate.Inf, 0)}
	}
	return &caller{t, rate.NewLimiter(rate.Limit(n), max(int(n), 1))} // a second's worth at once
}

// anybody is the caller where no tokens are asked for.
func anybody(fallback int) *caller {
	all := Scope{everyQueue}
	return newCaller(Token{Name: "anybody", Enqueue: all, Read: all, Cancel: all}, fallback)
}
