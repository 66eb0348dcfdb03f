package dashboard

import (
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"strings"

	"github.com/redis/go-redis/v9"

	"github.com/drayhorse/drayhorse"
	"github.com/drayhorse/drayhorse/admin"
)

// Config says whose jobs are shown, and to whom. The zero value shows those of the Redis at
// redis://127.0.0.1:6379/0 to browsers that come to this machine by a loopback name, and
// lets them change everything.
type Config struct {
	// Admin sees and steers; it is not closed. nil: one is made of RedisURL, Redis and
	// Namespace, as admin.Config has them, and lives until the handler is closed.
	Admin     *admin.Admin
	RedisURL  string
	Redis     redis.UniversalClient
	Namespace string

	// Prefix is the path that the dashboard is mounted under, such as "/jobs", where
	// requests come with it. Empty: they come without, because it is mounted at the root,
	// below http.StripPrefix, or behind a proxy that takes it away.
	Prefix string
	// Hosts are the names that browsers may know this server by, without a port; requests
	// under any other name are refused, or pages of strangers could have their own names
	// resolve to this server. Empty: localhost, 127.0.0.1 and other loopback addresses.
	Hosts []string
	// ReadOnly shows, and has no routes that change anything.
	ReadOnly bool
	// MayChange says whether a request may change something. nil: all may, unless the
	// dashboard is ReadOnly.
	MayChange func(*http.Request) bool
	// User says who makes a request, for the log. nil: nobody knows.
	User func(*http.Request) string
	// Logger takes, at level info, who changed what and what was refused, and at level
	// error what failed. nil: none.
	Logger *slog.Logger
}

// Validate reports the first impossible value, as drayhorse.ErrInvalid.
func (c *Config) Validate() error {
	if c.Prefix != "" {
		u, err := url.Parse(c.Prefix)
		if err != nil || u.Path != c.Prefix || !strings.HasPrefix(c.Prefix, "/") || strings.HasSuffix(c.Prefix, "/") || strings.Contains(c.Prefix, "//") {
			return fmt.Errorf("%w: Prefix %q; want a path such as /jobs, without a slash at its end", drayhorse.ErrInvalid, c.Prefix)
		}
	}
	for _, name := range c.Hosts {
		if err := ValidateHost(name); err != nil {
			return err
		}
	}
	if c.Admin != nil && (c.RedisURL != "" || c.Redis != nil || c.Namespace != "") {
		return fmt.Errorf("%w: Admin with RedisURL, Redis or Namespace; want one of them", drayhorse.ErrInvalid)
	}
	return nil
}

// ValidateHost reports why a name cannot be one of Config.Hosts, as drayhorse.ErrInvalid.
func ValidateHost(name string) error {
	if net.ParseIP(name) != nil {
		return nil
	}
	u, err := url.Parse("http://" + name + "/")
	if err != nil || name == "" || u.Host != name || u.Port() != "" || strings.ContainsAny(name, "*@[]: ") {
		return fmt.Errorf("%w: host %q; want a name such as jobs.example.com, without scheme and port", drayhorse.ErrInvalid, name)
	}
	return nil
}

// knows reports whether browsers may know the server by the Host of a request.
func (c *Config) knows(host string) bool {
	name := host
	if h, _, err := net.SplitHostPort(host); err == nil {
		name = h
	}
	name = strings.TrimSuffix(strings.TrimPrefix(name, "["), "]")
	if len(c.Hosts) == 0 {
		return strings.EqualFold(name, "localhost") || net.ParseIP(name).IsLoopback()
	}
	for _, known := range c.Hosts {
		if strings.EqualFold(name, known) {
			return true
		}
	}
	return false
}
