package handlers

import (
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/drayhorse/drayhorse/internal/conf"
)

// Defaults of HTTP.
const (
	defaultHTTPTimeout = 30 * time.Second
	defaultResponse    = 1 << 20
	defaultRetryAfter  = time.Hour
)

// maxRedirects is the most redirects that can be followed.
const maxRedirects = 10

// HTTP posts the arguments of each job, as JSON, and keeps the answer as the
// job's result. Only URL is required.
type HTTP struct {
	// URL to post to, http or https.
	URL string `yaml:"url"`
	// Timeout of one run, from connecting to the end of the answer; 0 means
	// 30s.
	Timeout time.Duration `yaml:"timeout,omitempty"`
	// AllowPrivate reaches the host of URL also at an address that is not on the
	// public Internet: loopback, private networks, cloud metadata. Redirects to
	// another host do not profit from it.
	AllowPrivate bool `yaml:"allow_private,omitempty"`
	// Headers are sent with each request.
	Headers map[string]string `yaml:"headers,omitempty"`
	// SecretHeaders are headers whose values are secrets.
	SecretHeaders map[string]SecretSource `yaml:"secret_headers,omitempty"`
	// Secret is the key that requests are signed with; nil means unsigned.
	Secret *SecretSource `yaml:"secret,omitempty"`
	// PreviousSecret signs requests besides Secret, until all receivers know that;
	// nil means none.
	PreviousSecret *SecretSource `yaml:"previous_secret,omitempty"`
	// Redirects is how many are followed, and only those that keep the method
	// (307 and 308); 0 means none.
	Redirects int `yaml:"redirects,omitempty"`
	// MaxResponseBytes is how much of an answer is read; a longer one completes
	// the job without a result. 0 means 1 MiB.
	MaxResponseBytes int `yaml:"max_response_bytes,omitempty"`
	// MaxRetryAfter is the most that a Retry-After is believed; 0 means 1h.
	MaxRetryAfter time.Duration `yaml:"max_retry_after,omitempty"`
	// MaxPerHost is how many requests of this worker may be under way to the
	// host of the URL at once; the lowest of the handlers for a host counts.
	// 0 means no limit.
	MaxPerHost int `yaml:"max_per_host,omitempty"`
}

// MarshalYAML shows it without the password and the parameters of its URL.
func (h HTTP) MarshalYAML() (any, error) {
	type shown HTTP
	masked := shown(h)
	masked.URL = conf.MaskURL(h.URL)
	return masked, nil
}

func (h HTTP) withDefaults() HTTP {
	if h.Timeout == 0 {
		h.Timeout = defaultHTTPTimeout
	}
	if h.MaxResponseBytes == 0 {
		h.MaxResponseBytes = defaultResponse
	}
	if h.MaxRetryAfter == 0 {
		h.MaxRetryAfter = defaultRetryAfter
	}
	return h
}

// Validate reports the first impossible value, by its key, as ErrInvalid.
func (h HTTP) Validate() error {
	if _, err := h.parseURL(); err != nil {
		return err
	}
	switch {
	case h.Timeout < 0:
		return invalidf("timeout", "%v; want 0 or more", h.Timeout)
	case h.Redirects < 0 || h.Redirects > maxRedirects:
		return invalidf("redirects", "%d; want 0 to %d", h.Redirects, maxRedirects)
	case h.MaxResponseBytes < 0:
		return invalidf("max_response_bytes", "%d; want 0 or more", h.MaxResponseBytes)
	case h.MaxRetryAfter < 0:
		return invalidf("max_retry_after", "%v; want 0 or more", h.MaxRetryAfter)
	case h.MaxPerHost < 0:
		return invalidf("max_per_host", "%d; want 0 or more", h.MaxPerHost)
	}
	return h.validateHeaders()
}

func (h HTTP) validateHeaders() error {
	for _, name := range slices.Sorted(maps.Keys(h.Headers)) {
		if err := validateHeader(name, h.Headers[name]); err != nil {
			return prefix("headers", err)
		}
		if slices.Contains(confidential, http.CanonicalHeaderKey(name)) {
			return invalidf("headers."+name, "is in the open; want it in secret_headers")
		}
	}
	for _, name := range slices.Sorted(maps.Keys(h.SecretHeaders)) {
		if err := validateHeader(name, ""); err != nil {
			return prefix("secret_headers", err)
		}
		if err := h.SecretHeaders[name].Validate(); err != nil {
			return prefix("secret_headers."+name, err)
		}
	}
	return h.validateSecrets()
}

func (h HTTP) validateSecrets() error {
	if h.Secret == nil {
		if h.PreviousSecret != nil {
			return invalidf("previous_secret", "is given without secret; want both, or secret alone")
		}
		return nil
	}
	if err := h.Secret.Validate(); err != nil || h.PreviousSecret == nil {
		return prefix("secret", err)
	}
	return prefix("previous_secret", h.PreviousSecret.Validate())
}

func (h HTTP) parseURL() (*url.URL, error) {
	u, err := url.Parse(h.URL)
	switch {
	case err != nil, u.Scheme != "http" && u.Scheme != "https", u.Hostname() == "":
		return nil, invalidf("url", "%q; want http://HOST/PATH or https://HOST/PATH", h.URL)
	case u.User != nil:
		return nil, invalidf("url", "%q; want it without user and password: put Authorization in secret_headers", u.Redacted())
	case u.Fragment != "":
		return nil, invalidf("url", "%q; want it without #, which is never sent", h.URL)
	}
	return u, nil
}

var (
	// confidential headers are refused in plain sight.
	confidential = []string{"Authorization", "Cookie", "Proxy-Authorization"}
	// managed headers are set by the connection.
	managed = []string{"Connection", "Content-Length", "Host", "Te", "Trailer", "Transfer-Encoding", "Upgrade"}
)

func validateHeader(name, value string) error {
	canonical := http.CanonicalHeaderKey(name)
	switch {
	case name == "" || strings.ContainsFunc(name, notInToken):
		return invalidf(strconv.Quote(name), "is no name of a header; want letters, digits and -")
	case slices.Contains(managed, canonical), strings.HasPrefix(canonical, headerPrefix):
		return invalidf(name, "cannot be set; it is part of every request")
	case strings.ContainsFunc(value, notInValue):
		return invalidf(name, "has a value with control characters; want one line of text")
	}
	return nil
}

func notInToken(r rune) bool {
	return r <= ' ' || r > '~' || strings.ContainsRune(`"(),/:;<=>?@[\]{}`, r)
}

func notInValue(r rune) bool { return r < ' ' && r != '\t' || r == 0x7f }
