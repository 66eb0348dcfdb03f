package cli

import (
	"io"
	"strings"

	"github.com/goccy/go-yaml"
)

// printConfig writes the settings in force as a config file. Secrets mask
// themselves.
func printConfig(w io.Writer, config any) error {
	text, err := yaml.Marshal(config)
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

// String gives it without. What may be a password is masked in a malformed URL
// too.
func (u RedisURL) String() string {
	const mask, parameter = "***", "sentinel_password="
	text := string(u)
	if before, _, found := strings.Cut(text, parameter); found {
		text = before + parameter + mask
	}
	at := strings.LastIndex(text, "@")
	if at < 0 {
		return text
	}
	scheme, login, found := strings.Cut(text[:at], "://")
	if !found {
		return mask + text[at:]
	}
	user, _, named := strings.Cut(login, ":")
	if !named { // rather a password without its colon
		return scheme + "://" + mask + text[at:]
	}
	return scheme + "://" + user + ":" + mask + text[at:]
}
