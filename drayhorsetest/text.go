package drayhorsetest

import (
	"fmt"
	"strings"
)

// shorten cuts a text that is long, and makes one line of it.
func shorten(s string, most int) string {
	s, _, _ = strings.Cut(s, "\n")
	if r := []rune(s); len(r) > most {
		s = string(r[:most]) + "…"
	}
	return s
}

// count says how many there are of what.
func count(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

// is is the verb of n things.
func is(n int) string {
	if n == 1 {
		return "is"
	}
	return "are"
}
