package cli

import "github.com/drayhorse/drayhorse"

// Rate is a setting such as 100/1m.
type Rate drayhorse.Rate

// UnmarshalText reads what drayhorse.ParseRate does.
func (r *Rate) UnmarshalText(text []byte) error {
	rate, err := drayhorse.ParseRate(string(text))
	*r = Rate(rate)
	return err
}

// MarshalText writes it as it is read.
func (r Rate) MarshalText() ([]byte, error) { return []byte(drayhorse.Rate(r).String()), nil }
