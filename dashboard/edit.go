package dashboard

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/drayhorse/drayhorse"
	"github.com/drayhorse/drayhorse/internal/duration"
)

// field gives what was written in a field of a form.
func (q *request) field(name string) string { return strings.TrimSpace(q.value(name)) }

// pick is one of those that a field offers.
type pick struct {
	Value, Text string
	Chosen      bool
}

func picks(chosen string, pairs ...string) (all []pick) {
	for i := 0; i+1 < len(pairs); i += 2 {
		all = append(all, pick{pairs[i], pairs[i+1], pairs[i] == chosen})
	}
	return all
}

// span reads a length of time; "" is 0, the default.
func span(name, text string) (time.Duration, error) {
	if text == "" {
		return 0, nil
	}
	d, err := duration.Parse(text)
	if err != nil || d <= 0 {
		return 0, fmt.Errorf("%w: %s %q; want a time such as 90s or 1h30m", drayhorse.ErrInvalid, name, clip(text))
	}
	return d, nil
}

// wholeNumber reads a number; "" is 0, the default.
func wholeNumber(name, text string) (int, error) {
	if text == "" {
		return 0, nil
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 {
		return 0, fmt.Errorf("%w: %s %q; want a number from 1 on", drayhorse.ErrInvalid, name, clip(text))
	}
	return n, nil
}

// share reads a share such as 0.5; "" is 0.
func share(name, text string) (float64, error) {
	if text == "" {
		return 0, nil
	}
	x, err := strconv.ParseFloat(text, 64)
	if err != nil {
		return 0, fmt.Errorf("%w: %s %q; want a share such as 0.5", drayhorse.ErrInvalid, name, clip(text))
	}
	return x, nil
}

// someNumber writes a number of a form; "" for 0.
func someNumber(n int) string {
	if n == 0 {
		return ""
	}
	return strconv.Itoa(n)
}

// someTime writes a length of time of a form; "" for 0.
func someTime(d time.Duration) string {
	if d == 0 {
		return ""
	}
	return duration.Format(d)
}
