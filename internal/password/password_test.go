package password_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/drayhorse/drayhorse"
	"github.com/drayhorse/drayhorse/internal/password"
)

func TestAPasswordMatchesItsHashAlone(t *testing.T) {
	t.Parallel()
	const right = "correct horse battery"
	h, err := password.New(right)
	if err != nil {
		t.Fatal(err)
	}
	other, _ := password.New(right)
	if h.String() == other.String() || !strings.HasPrefix(h.String(), "$argon2id$v=19$m=19456,t=2,p=1$") || strings.Contains(h.String(), "horse") {
		t.Errorf("hashes %s and %s", h, other)
	}
	var read password.Hash
	if err := read.UnmarshalText([]byte(h.String())); err != nil {
		t.Fatal(err)
	}
	c := password.NewChecker(1)
	for text, want := range map[string]bool{right: true, "correct horse batterx": false, "": false, right + " ": false, strings.Repeat("x", 2000): false} {
		if got, err := c.Matches(t.Context(), &read, text); got != want || err != nil {
			t.Errorf("%.30q: %v, %v; want %v", text, got, err, want)
		}
	}
	for _, none := range []*password.Hash{nil, {}} {
		if got, err := c.Matches(t.Context(), none, right); got || err != nil {
			t.Errorf("%v matches: %v", none, err)
		}
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	busy := password.NewChecker(0) // nobody ever has a turn
	if _, err := busy.Matches(ended, &read, right); !errors.Is(err, drayhorse.ErrBusy) {
		t.Errorf("without a turn: %v", err)
	}
}

func TestWhatIsNoHashIsRefused(t *testing.T) {
	t.Parallel()
	h, err := password.New("correct horse battery")
	if err != nil {
		t.Fatal(err)
	}
	good := h.String()
	parts := strings.Split(good, "$")
	for _, text := range []string{
		"", "$", "secret", strings.Replace(good, "argon2id", "argon2i", 1), strings.Replace(good, "v=19", "v=16", 1),
		strings.Replace(good, "m=19456", "m=99999999", 1), strings.Replace(good, "m=19456", "m=8", 1), strings.Replace(good, "t=2", "t=4000000000", 1),
		strings.Replace(good, "t=2", "t=1", 1), strings.Replace(good, "p=1", "p=0", 1), strings.Replace(good, "p=1", "p=255", 1), strings.Replace(good, "p=1", "p=1,x=2", 1),
		strings.Replace(good, "m=19456", "m=-1", 1), good + "$", good + "=", good + "!", strings.Join(parts[:5], "$"), strings.Replace(good, parts[4], "", 1), strings.Replace(good, parts[5], "AAAA", 1),
	} {
		var read password.Hash
		if err := read.UnmarshalText([]byte(text)); !errors.Is(err, drayhorse.ErrInvalid) {
			t.Errorf("%q: %v", text, err)
		} else if text != "" && text != "$" && strings.Contains(err.Error(), text) {
			t.Errorf("the error has the text: %v", err)
		}
	}
	for _, text := range []string{"", "short", strings.Repeat("x", 1025), "correct horse\nbattery"} {
		if _, err := password.New(text); !errors.Is(err, drayhorse.ErrInvalid) {
			t.Errorf("%q is a password: %v", text, err)
		}
	}
}
