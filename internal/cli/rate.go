package cli

import (
	"github.com/drayhorse/drayhorse"
	"github.com/drayhorse/drayhorse/internal/conf"
)

// Rate is a setting such as 100/1m.
type Rate drayhorse.Rate

// UnmarshalText reads what drayhorse.ParseRate does.
func (r *Rate) UnmarshalText(text []byte) error {
	rate, err := drayhorse.ParseRate(string(text))
	if err != nil {
		return &conf.ValueError{Text: string(text), Want: "jobs per time, as in 100/1m"}
	}
	*r = Rate(rate)
	return nil
}

// MarshalText writes it as it is read.
func (r Rate) MarshalText() ([]byte, error) { return []byte(drayhorse.Rate(r).String()), nil }
