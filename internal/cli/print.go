package cli

import (
	"io"

	"github.com/drayhorse/drayhorse/internal/conf"
	"github.com/drayhorse/drayhorse/internal/redis"
)

// printConfig writes the settings in force as a config file. Secrets mask
// themselves.
func printConfig(w io.Writer, config any) error {
	text, err := conf.Encode(config)
	if err != nil {
		return err
	}
	_, err = w.Write(text)
	return err
}

// RedisURL is where Redis is. Printed, it shows no password.
type RedisURL string

// Reveal gives it with its password.
func (u RedisURL) Reveal() string { return string(u) }

// MarshalText gives it without.
func (u RedisURL) MarshalText() ([]byte, error) { return []byte(u.String()), nil }

// String gives it without. What may be a secret is masked in a malformed URL too.
func (u RedisURL) String() string { return redis.Mask(string(u)) }

// Endpoint is an HTTP URL. Printed, it shows no login and no values of parameters.
type Endpoint string

// MarshalText gives it without.
func (e Endpoint) MarshalText() ([]byte, error) { return []byte(e.String()), nil }

// String gives it without.
func (e Endpoint) String() string { return conf.MaskURL(string(e)) }
