package handlers

import (
	"fmt"
	"log/slog"
	"os"
	"strings"
)

// SecretSource says where a secret is read from when the worker starts: exactly
// one of the two. The secret itself is never part of a configuration.
type SecretSource struct {
	// File holds the secret; white space around it does not count.
	File string `yaml:"file,omitempty"`
	// Env names a variable of the worker.
	Env string `yaml:"env,omitempty"`
}

// Validate reports an impossible source as ErrInvalid.
func (s SecretSource) Validate() error {
	if (s.File == "") == (s.Env == "") {
		return invalidf("file", "%q and env %q; want one of them", s.File, s.Env)
	}
	return nil
}

// read gets the secret. The error names its source alone.
func (s SecretSource) read(lookupEnv func(string) (string, bool)) (Secret, error) {
	if s.Env != "" {
		value, ok := lookupEnv(s.Env)
		if value = strings.TrimSpace(value); !ok || value == "" {
			return "", invalidf("env", "%q; want a variable that is set", s.Env)
		}
		return Secret(value), nil
	}
	content, err := os.ReadFile(s.File)
	if err != nil {
		return "", invalidf("file", "%q; want a file to read: %v", s.File, err)
	}
	value := strings.TrimSpace(string(content))
	if value == "" {
		return "", invalidf("file", "%q; want a file that is not empty", s.File)
	}
	return Secret(value), nil
}

const masked = "[secret]"

// Secret prints and encodes masked, however it is printed. Reveal gives it.
type Secret string

// Format prints the mask for every verb.
func (Secret) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(masked)) }

// String gives the mask.
func (Secret) String() string { return masked }

// LogValue logs the mask.
func (Secret) LogValue() slog.Value { return slog.StringValue(masked) }

// MarshalText encodes the mask, in JSON and YAML.
func (Secret) MarshalText() ([]byte, error) { return []byte(masked), nil }

// Reveal gives the secret.
func (s Secret) Reveal() string { return string(s) }
