package httpapi

import (
	"context"
	"crypto/subtle"
	"fmt"
	"log/slog"

	"github.com/drayhorse/drayhorse"
	"github.com/drayhorse/drayhorse/internal/conf"
	"github.com/drayhorse/drayhorse/internal/reload"
)

// Tokens are those of a file, as it is now: while a server runs it takes changes
// over.
type Tokens struct{ file *reload.File[[]*caller] }

// tokenLimits bound a token file: some 4,000 tokens.
var tokenLimits = conf.Limits{Bytes: 1 << 20, Entries: 25_000}

// OpenTokens reads a token file:
//
//	tokens:
//	  - name: shop
//	    sha256: "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"
//	    enqueue: [mail, orders]
//	    read: ["*"]
//
// Tokens that name no rates have those. The error is drayhorse.ErrInvalid and names the
// file.
func OpenTokens(path string, rates Rates, log *slog.Logger) (*Tokens, error) {
	file, err := reload.OpenFile(reload.Kind[[]*caller]{
		Noun: "token", Want: "a file such as producer token NAME writes entries for", Limits: tokenLimits,
		Parse: func(path string, content []byte, before []*caller) ([]*caller, error) {
			tokens, err := parseTokens(path, content)
			return callersOf(tokens, rates, before), err
		},
		Count: func(callers []*caller) int { return len(callers) },
	}, path, log)
	if err != nil {
		return nil, err
	}
	return &Tokens{file}, nil
}

// Watch takes changes over until ctx ends. It is called once.
func (t *Tokens) Watch(ctx context.Context) { t.file.Watch(ctx) }

// find gives the caller that has a token, nil if nobody has. It compares with all
// hashes, each in constant time, so that its own time tells nothing about them.
func (t *Tokens) find(token string) *caller {
	hash := HashOf(token)
	var found *caller
	for _, c := range t.file.Now() {
		if subtle.ConstantTimeCompare(hash[:], c.SHA256[:]) == 1 {
			found = c
		}
	}
	return found
}

// callersOf makes the callers of tokens. Those that were there before go on with the rest of
// their rates.
func callersOf(tokens []Token, rates Rates, before []*caller) []*caller {
	callers := make([]*caller, len(tokens))
	for i, token := range tokens {
		callers[i] = newCaller(token, rates)
		callers[i].alone = len(tokens) == 1
		for _, old := range before {
			if old.SHA256 == token.SHA256 {
				callers[i].inherit(old)
			}
		}
	}
	return callers
}

func parseTokens(path string, content []byte) ([]Token, error) {
	var file struct {
		Tokens []Token `yaml:"tokens"`
	}
	if _, err := conf.Decode(path, content, tokenLimits, &file); err != nil {
		return nil, err
	}
	if len(file.Tokens) == 0 {
		return nil, fmt.Errorf("%w: it has no tokens; want at least one, under tokens", drayhorse.ErrInvalid)
	}
	names, hashes := map[string]bool{}, map[Hash]bool{}
	for i := range file.Tokens {
		token := &file.Tokens[i]
		if err := token.validate(); err != nil {
			return nil, err
		}
		if names[token.Name] || hashes[token.SHA256] {
			return nil, fmt.Errorf("%w: token %q comes twice, by its name or its sha256", drayhorse.ErrInvalid, token.Name)
		}
		names[token.Name], hashes[token.SHA256] = true, true
	}
	return file.Tokens, nil
}
