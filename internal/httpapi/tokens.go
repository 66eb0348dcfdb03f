package httpapi

import (
	"context"
	"crypto/subtle"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"sync/atomic"

	"github.com/drayhorse/drayhorse"
	"github.com/drayhorse/drayhorse/internal/conf"
	"github.com/drayhorse/drayhorse/internal/logs"
	"github.com/drayhorse/drayhorse/internal/reload"
)

// Tokens are those of a file, as it is now: while a server runs it takes changes
// over. A file that is broken changes nothing.
type Tokens struct {
	path    string
	rates   Rates // of tokens that have none
	log     *slog.Logger
	callers atomic.Pointer[[]*caller]
	content reload.Content
}

// OpenTokens reads a token file:
//
//	tokens:
//	  - name: shop
//	    sha256: "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"
//	    enqueue: [mail, orders]
//	    read: ["*"]
//
// Tokens that name no rates have those. The
// error is drayhorse.ErrInvalid and names the file.
func OpenTokens(path string, rates Rates, log *slog.Logger) (*Tokens, error) {
	t := &Tokens{path: path, rates: rates, log: logs.Or(log)}
	t.content = reload.Content{Read: t.read, Apply: t.apply, Told: t.told}
	if err := t.content.Open(); err != nil {
		return nil, err
	}
	if warning := conf.Writable(path); warning != "" {
		t.log.Warn(warning)
	}
	return t, nil
}

// find gives the caller that has a token, nil if nobody has. It compares with all
// hashes, each in constant time, so that its own time tells nothing about them.
func (t *Tokens) find(token string) *caller {
	hash := HashOf(token)
	var found *caller
	for _, c := range *t.callers.Load() {
		if subtle.ConstantTimeCompare(hash[:], c.SHA256[:]) == 1 {
			found = c
		}
	}
	return found
}

func (t *Tokens) told(ctx context.Context, err error) {
	if err != nil {
		t.log.ErrorContext(ctx, "token file is broken; the tokens of before stay", slog.String(logs.Error, strings.ReplaceAll(err.Error(), "\n", "; ")))
		return
	}
	t.log.InfoContext(ctx, "tokens reloaded", slog.Int(logs.Count, len(*t.callers.Load())))
}

// tokenLimits bound a token file, which a server reads again while it runs: some
// 4,000 tokens.
var tokenLimits = conf.Limits{Bytes: 1 << 20, Entries: 25_000}

func (t *Tokens) read() ([]byte, error) {
	content, err := os.ReadFile(t.path)
	if err != nil {
		if e, ok := errors.AsType[*os.PathError](err); ok {
			err = e.Err // the path is named once
		}
		return nil, fmt.Errorf("%w: token_file %q: %w; want a file such as producer token NAME writes entries for", drayhorse.ErrInvalid, t.path, err)
	}
	if len(content) > tokenLimits.Bytes {
		return nil, fmt.Errorf("%w: token_file %q has %d bytes; want at most %d", drayhorse.ErrInvalid, t.path, len(content), tokenLimits.Bytes)
	}
	return content, nil
}

// apply replaces the tokens by those of content, all or none.
func (t *Tokens) apply(content []byte) error {
	tokens, err := parseTokens(t.path, content)
	if err != nil {
		return fmt.Errorf("token_file %q: %w", t.path, err)
	}
	callers := make([]*caller, len(tokens))
	for i, token := range tokens {
		callers[i] = newCaller(token, t.rates)
		callers[i].alone = len(tokens) == 1
		if before := t.known(token.SHA256); before != nil {
			callers[i].inherit(before)
		}
	}
	t.callers.Store(&callers)
	return nil
}

func (t *Tokens) known(hash Hash) *caller {
	if callers := t.callers.Load(); callers != nil {
		for _, c := range *callers {
			if c.SHA256 == hash {
				return c
			}
		}
	}
	return nil
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
