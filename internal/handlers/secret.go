package handlers

import (
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
)

// SecretSource says where a secret is read from when the worker starts: exactly
// one of the three. The secret itself is never part of a configuration.
type SecretSource struct {
	// File holds the secret; white space around it does not count.
	File string `yaml:"file,omitempty"`
	// Env names a variable of the worker.
	Env string `yaml:"env,omitempty"`
	// Credential names a credential that systemd gives the worker's unit
	// (LoadCredential=, SetCredentialEncrypted=), a file of CREDENTIALS_DIRECTORY.
	Credential string `yaml:"credential,omitempty"`
}

// maxSecret is the most bytes that a file with a secret may have.
const maxSecret = 64 << 10

// Validate reports an impossible source as ErrInvalid.
func (s SecretSource) Validate() error {
	given := 0
	for _, source := range []string{s.File, s.Env, s.Credential} {
		if source != "" {
			given++
		}
	}
	switch {
	case given != 1:
		return invalidf("file", "%q, env %q and credential %q; want one of them", s.File, s.Env, s.Credential)
	case s.Credential != "" && (strings.ContainsAny(s.Credential, "/\x00") || s.Credential == "." || s.Credential == ".."):
		return invalidf("credential", "%q; want the name of a credential, not a path", s.Credential)
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
	if s.Credential == "" {
		return readSecret("file", s.File, s.File)
	}
	dir, _ := lookupEnv("CREDENTIALS_DIRECTORY")
	if dir == "" {
		return "", invalidf("credential", "%q; want the worker started by systemd, with LoadCredential=%s:FILE in its unit", s.Credential, s.Credential)
	}
	return readSecret("credential", s.Credential, filepath.Join(dir, s.Credential))
}

// readSecret reads a file; key and name are what the configuration calls it.
func readSecret(key, name, path string) (Secret, error) {
	f, err := os.Open(path) //nolint:gosec // the operator names it
	if err != nil {
		return "", invalidf(key, "%q; want a file to read: %v", name, err)
	}
	defer f.Close()
	content, err := io.ReadAll(io.LimitReader(f, maxSecret+1))
	value := strings.TrimSpace(string(content))
	switch {
	case err != nil:
		return "", invalidf(key, "%q; want a file to read: %v", name, err)
	case len(content) > maxSecret:
		return "", invalidf(key, "%q; want a file of at most %d bytes", name, maxSecret)
	case value == "":
		return "", invalidf(key, "%q; want a file that is not empty", name)
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
