package redis

import (
	"fmt"
	"strings"
)

// Words are the failures that the scripts of a package report, by their first word:
// redis.error_reply('LEASELOST the lease is gone').
type Words map[string]error

// Failure names the operation that failed, and gives err the sentinel that its first
// word stands for; what is no script's word, Wrap classes.
func (w Words) Failure(op string, err error) error {
	if err == nil {
		return nil
	}
	word, text, _ := strings.Cut(err.Error(), " ")
	if sentinel, ok := w[word]; ok {
		return fmt.Errorf("%s: %w: %s", op, sentinel, text)
	}
	return Wrap(op, err)
}
