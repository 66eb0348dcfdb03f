// Package password keeps passwords as argon2id hashes, in the form that other programs write
// them, too:
//
//	$argon2id$v=19$m=19456,t=2,p=1$SALT$HASH
//
// To hash takes 19 MiB and some 30 ms on purpose, so a Checker bounds how many do at once.
package password

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	"golang.org/x/crypto/argon2"

	"github.com/drayhorse/drayhorse"
)

// Limits of a password.
const (
	MinLength = 12   // characters, of a new one
	MaxLength = 1024 // bytes
)

// What New takes, of OWASP's list.
const (
	newMemory = 19 << 10 // KiB
	newPasses = 2
	newLanes  = 1
	saltSize  = 16 // bytes
	sumSize   = 32
)

// Hash is the hash of a password. The zero value matches none.
type Hash struct {
	memory, passes uint32
	lanes          uint8
	salt, sum      []byte
}

// Validate reports why a text is no new password, as drayhorse.ErrInvalid. The text itself is
// not in the error.
func Validate(text string) error {
	switch n := utf8.RuneCountInString(text); {
	case n < MinLength:
		return fmt.Errorf("%w: a password of %d characters; want at least %d", drayhorse.ErrInvalid, n, MinLength)
	case len(text) > MaxLength:
		return fmt.Errorf("%w: a password of %d bytes; want at most %d", drayhorse.ErrInvalid, len(text), MaxLength)
	case strings.ContainsAny(text, "\r\n\x00"):
		return fmt.Errorf("%w: a password of more than a line; want one line", drayhorse.ErrInvalid)
	}
	return nil
}

// New hashes a password, with a salt of its own. The error is that of Validate.
func New(text string) (*Hash, error) {
	if err := Validate(text); err != nil {
		return nil, err
	}
	h := &Hash{memory: newMemory, passes: newPasses, lanes: newLanes, salt: make([]byte, saltSize)}
	_, _ = rand.Read(h.salt) // never fails
	h.sum = h.hash(text, sumSize)
	return h, nil
}

func (h *Hash) hash(text string, size uint32) []byte {
	return argon2.IDKey([]byte(text), h.salt, h.passes, h.memory, h.lanes, size)
}

// String writes it in the form of the package comment.
func (h *Hash) String() string {
	return fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$%s$%s", argon2.Version, h.memory, h.passes, h.lanes,
		base64.RawStdEncoding.EncodeToString(h.salt), base64.RawStdEncoding.EncodeToString(h.sum))
}

// What a hash may cost, so that no file takes a program's memory or time, and the least that
// it has to.
const (
	maxMemory = 64 << 10 // KiB
	minMemory = 7 << 10
	maxPasses = 10
	minCost   = 35 << 10 // KiB times passes
	maxLanes  = 4
)

// UnmarshalText reads what String writes. The error is drayhorse.ErrInvalid, without the text.
func (h *Hash) UnmarshalText(text []byte) error {
	var p Hash
	parts := strings.Split(string(text), "$")
	if len(parts) != 6 || parts[0] != "" || parts[1] != "argon2id" || parts[2] != fmt.Sprintf("v=%d", argon2.Version) {
		return malformed("no hash of argon2id")
	}
	if n, err := fmt.Sscanf(parts[3], "m=%d,t=%d,p=%d", &p.memory, &p.passes, &p.lanes); n != 3 || err != nil ||
		parts[3] != fmt.Sprintf("m=%d,t=%d,p=%d", p.memory, p.passes, p.lanes) {
		return malformed("a hash whose parameters cannot be read")
	}
	if p.memory < minMemory || p.memory > maxMemory || p.passes < 1 || p.passes > maxPasses || p.lanes < 1 || p.lanes > maxLanes || p.memory*p.passes < minCost {
		return malformed(fmt.Sprintf("a hash of m=%d,t=%d,p=%d, which is not m=%d to %d, t=1 to %d, p=1 to %d and m times t at least %d",
			p.memory, p.passes, p.lanes, minMemory, maxMemory, maxPasses, maxLanes, minCost))
	}
	var err, failed error
	p.salt, err = base64.RawStdEncoding.Strict().DecodeString(parts[4])
	p.sum, failed = base64.RawStdEncoding.Strict().DecodeString(parts[5])
	if errors.Join(err, failed) != nil || len(p.salt) < 8 || len(p.salt) > 64 || len(p.sum) < 16 || len(p.sum) > 64 {
		return malformed("a hash whose salt or sum cannot be read")
	}
	*h = p
	return nil
}

func malformed(what string) error {
	return fmt.Errorf("%w: %s; want what drayhorse ui password prints", drayhorse.ErrInvalid, what)
}

// Checker compares passwords, a few at a time.
type Checker struct {
	slots   chan struct{}
	nothing *Hash // compared with for those that have no password, so that they take as long
}

// NewChecker makes a checker that hashes most passwords at once.
func NewChecker(most int) *Checker {
	return &Checker{
		slots:   make(chan struct{}, most),
		nothing: &Hash{memory: newMemory, passes: newPasses, lanes: newLanes, salt: make([]byte, saltSize), sum: make([]byte, sumSize)},
	}
}

// Matches reports whether a password is that of a hash; nil matches none and takes as long as
// one that New made. It waits its turn until ctx ends; the error is then drayhorse.ErrBusy.
func (c *Checker) Matches(ctx context.Context, h *Hash, text string) (bool, error) {
	if len(text) > MaxLength {
		return false, nil
	}
	select {
	case c.slots <- struct{}{}:
		defer func() { <-c.slots }()
	case <-ctx.Done():
		return false, fmt.Errorf("%w: too many passwords are compared", drayhorse.ErrBusy)
	}
	known := h != nil && len(h.sum) > 0
	if !known {
		h = c.nothing
	}
	same := subtle.ConstantTimeCompare(h.hash(text, uint32(len(h.sum))), h.sum) == 1 //nolint:gosec // 64 at most
	return known && same, nil
}
