package dashboard

import (
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"

	"github.com/redis/go-redis/v9"

	"github.com/drayhorse/drayhorse"
	"github.com/drayhorse/drayhorse/admin"
)

// User is who makes a request, and what he may do. The zero value may nothing.
type User struct {
	Name string // for the log, the audit and what is kept of pauses and actions
	Role Role   // with the jobs of the Scope
	// Scope is the jobs that the role is for: QUEUE, or QUEUE/KIND, with * for all queues or
	// kinds. Empty: none.
	Scope []string
}

// Role is what a user is. Each may do all that those before it may.
type Role string

// The roles: docs/dashboard.md has a table of what each may do.
const (
	Viewer   Role = "viewer"   // sees queues, jobs, workers and schedules, and nothing of what jobs are about
	Reader   Role = "reader"   // and arguments, results and errors, fields that may be secret masked
	Operator Role = "operator" // and retries, cancels, pauses, resumes and runs schedules
	Admin    Role = "admin"    // and deletes, acts on all jobs that match, sees masked fields and the audit
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
	// HTTPS: browsers come by https although requests do not, because a proxy ends TLS.
	HTTPS bool
	// ReadOnly shows, and has no routes that change anything.
	ReadOnly bool

	// Authenticate says who makes a request, where the application has a login of its own.
	// An error, or a user without a Role, refuses the request; the log has the error.
	Authenticate func(*http.Request) (User, error)
	// UserFile is a YAML file of users, who log in with the passwords that it has hashes of;
	// docs/dashboard.md has its form. Changes are taken over until the handler is closed. It
	// needs RedisURL or Redis, beside an Admin, too, since sessions are kept there.
	UserFile string
	// UserHeader is the header in which Proxies name the user, instead of a login; UserFile
	// says what each may do, and needs no passwords then.
	UserHeader string
	// Proxies are addresses, or networks such as 10.0.0.0/8, of proxies: theirs are the
	// X-Forwarded-For and the UserHeader that are believed. Empty: nobody's are.
	Proxies []string
	// ProxySecret is, unless it is empty, what proxies have to send in the header
	// X-Drayhorse-Proxy-Secret beside UserHeader.
	ProxySecret string
	// OIDC is a provider of OpenID Connect, where users log in instead of or beside with passwords; UserFile says
	// what each may do, by name or by group.
	OIDC *OIDC
	// Nobody of these five: whoever comes may do everything, unless the dashboard is ReadOnly.

	// Mask are parts of names, such as "iban": fields of arguments and results with such
	// names are masked, beside those of DefaultMask.
	Mask []string
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
	for _, text := range c.Mask {
		if plainName(text) == "" || len(text) > maxMask {
			return fmt.Errorf("%w: mask %.100q; want a part of a name, with a letter or digit, of at most %d bytes", drayhorse.ErrInvalid, text, maxMask)
		}
	}
	if c.Admin != nil && c.UserFile == "" && (c.RedisURL != "" || c.Redis != nil || c.Namespace != "") {
		return fmt.Errorf("%w: Admin with RedisURL, Redis or Namespace; want one of them", drayhorse.ErrInvalid)
	}
	return c.validateLogin()
}

func (c *Config) validateLogin() error {
	for _, text := range c.Proxies {
		if _, err := parseProxy(text); err != nil {
			return err
		}
	}
	if c.OIDC != nil {
		if err := c.OIDC.validate(); err != nil {
			return err
		}
	}
	switch {
	case c.Authenticate != nil && (c.UserFile != "" || c.UserHeader != "" || c.OIDC != nil):
		return fmt.Errorf("%w: Authenticate with UserFile, UserHeader or OIDC; want one of them", drayhorse.ErrInvalid)
	case c.OIDC != nil && c.UserHeader != "":
		return fmt.Errorf("%w: user_header with a provider of OpenID Connect; want one of them to say who comes", drayhorse.ErrInvalid)
	case c.OIDC != nil && c.UserFile == "":
		return fmt.Errorf("%w: a provider of OpenID Connect without user_file; want a file that says what each user or group may do", drayhorse.ErrInvalid)
	case c.UserHeader != "" && !validHeader(c.UserHeader):
		return fmt.Errorf("%w: user_header %q; want the name of a header of your proxy, such as X-Forwarded-User", drayhorse.ErrInvalid, c.UserHeader)
	case c.UserHeader != "" && len(c.Proxies) == 0:
		return fmt.Errorf("%w: user_header %q without proxies: whoever comes could say he is anybody; want the addresses of the proxies that set it", drayhorse.ErrInvalid, c.UserHeader)
	case c.UserHeader != "" && c.UserFile == "":
		return fmt.Errorf("%w: user_header %q without user_file; want a file that says what each user may do", drayhorse.ErrInvalid, c.UserHeader)
	case c.ProxySecret != "" && c.UserHeader == "":
		return fmt.Errorf("%w: a proxy secret without user_header; want the header that it vouches for", drayhorse.ErrInvalid)
	case c.ProxySecret != "" && len(c.ProxySecret) < 16:
		return fmt.Errorf("%w: a proxy secret of %d bytes; want at least 16", drayhorse.ErrInvalid, len(c.ProxySecret))
	}
	return nil
}

// asks reports whether anybody is asked who he is.
func (c *Config) asks() bool { return c.Authenticate != nil || c.UserFile != "" }

// parseProxy reads one of Config.Proxies.
func parseProxy(text string) (netip.Prefix, error) {
	if addr, err := netip.ParseAddr(text); err == nil {
		return netip.PrefixFrom(addr.Unmap(), addr.Unmap().BitLen()), nil
	}
	p, err := netip.ParsePrefix(text)
	if err != nil || p.Masked() != p || p.Bits() == 0 {
		return p, fmt.Errorf("%w: proxy %q; want an address such as 10.0.0.5, or a network such as 10.0.0.0/8", drayhorse.ErrInvalid, text)
	}
	return p, nil
}

// ValidateProxy reports why a text cannot be one of Config.Proxies, as drayhorse.ErrInvalid.
func ValidateProxy(text string) error {
	_, err := parseProxy(text)
	return err
}

// validHeader reports whether a proxy may say in a header who comes: those that say something
// else may not.
func validHeader(name string) bool {
	switch http.CanonicalHeaderKey(name) {
	case "", "Host", "Cookie", "Origin", "Authorization", "Content-Type", "Content-Length", "X-Forwarded-For", "Forwarded", "User-Agent", "Referer", http.CanonicalHeaderKey(secretHeader):
		return false
	}
	return !strings.ContainsFunc(name, func(r rune) bool {
		allowed := 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || '0' <= r && r <= '9' || r == '-' || r == '_'
		return !allowed
	})
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
		return isLoopback(name)
	}
	for _, known := range c.Hosts {
		if strings.EqualFold(name, known) {
			return true
		}
	}
	return false
}

// isLoopback reports whether a name is one of this machine alone.
func isLoopback(name string) bool {
	return strings.EqualFold(name, "localhost") || net.ParseIP(name).IsLoopback()
}
