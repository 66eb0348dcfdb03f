package redis

import (
	"errors"
	"fmt"
	"net"
	"net/url"
	"strconv"
	"strings"

	goredis "github.com/redis/go-redis/v9"

	"github.com/drayhorse/drayhorse"
)

// A URL is SCHEME://[[USER]:PASSWORD@]ADDRESSES[/PATH][?PARAMETERS]. net/url
// knows no lists of addresses, so the URL is taken apart here.
const (
	redisPort    = "6379"
	sentinelPort = "26379"
	urlForms     = "redis://HOST[:PORT][/DB], unix:///PATH[?db=DB], redis+sentinel://HOST:PORT,HOST:PORT/MASTER[/DB]" +
		" or redis+cluster://HOST:PORT,HOST:PORT, with rediss in place of redis for TLS"
)

// parsed is what a URL says: the options of the client and its shape.
type parsed struct {
	goredis.UniversalOptions

	scheme string // as in the URL
	tls    tlsFiles
}

func (p *parsed) sentinel() bool { return strings.HasSuffix(p.scheme, "+sentinel") }
func (p *parsed) cluster() bool  { return strings.HasSuffix(p.scheme, "+cluster") }
func (p *parsed) secure() bool   { return strings.HasPrefix(p.scheme, "rediss") }

// parseURL reads a URL. The error is drayhorse.ErrInvalid, one line, and shows
// the URL without its secrets.
func parseURL(text string) (*parsed, error) {
	p, err := parse(text)
	if err == nil {
		return p, nil
	}
	if torn(text) {
		err = errors.New("cannot be read: if the password holds one of / ? % @, write it percent-encoded")
	}
	return nil, fmt.Errorf("%w: redis URL %q: %w", drayhorse.ErrInvalid, Mask(text), err)
}

// torn says whether the @ behind a password is found only after the addresses
// have ended, so that an error might take a piece of the password for a host.
func torn(text string) bool {
	_, rest, _ := strings.Cut(text, "://")
	end := strings.IndexAny(rest, "/?")
	return end >= 0 && !strings.Contains(rest[:end], "@") && strings.Contains(rest[end:], "@")
}

// meant gives the URL that one may have meant who gave an address alone, or one under
// another scheme; else all forms. What may have a password in it is not repeated.
func meant(scheme, address string) string {
	if url := scheme + "://" + address; !strings.ContainsAny(address, "@?") && address != "" {
		if _, err := parse(url); err == nil {
			return "did you mean " + url + "?"
		}
	}
	return "want " + urlForms
}

func parse(text string) (*parsed, error) {
	scheme, rest, found := strings.Cut(text, "://")
	if !found {
		return nil, fmt.Errorf("no scheme: %s", meant("redis", text))
	}
	rest, query, _ := strings.Cut(rest, "?")
	authority, path, _ := strings.Cut(rest, "/")
	p := &parsed{scheme: scheme}
	hosts, err := p.takeUser(authority)
	if err != nil {
		return nil, err
	}
	switch scheme {
	case "redis", "rediss":
		err = p.takeSingle(hosts, path)
	case "unix":
		err = p.takeSocket(hosts, path)
	case "redis+sentinel", "rediss+sentinel":
		err = p.takeSentinel(hosts, path)
	case "redis+cluster", "rediss+cluster":
		err = p.takeCluster(hosts, path)
	default:
		plain := "redis"
		if strings.HasSuffix(scheme, "s") {
			plain = "rediss"
		}
		err = fmt.Errorf("unknown scheme: %s", meant(plain, strings.TrimPrefix(text, scheme+"://")))
	}
	if err != nil {
		return nil, err
	}
	return p, p.takeParameters(query)
}

// takeUser reads what stands before the addresses and returns the rest.
func (p *parsed) takeUser(authority string) (hosts string, err error) {
	at := strings.LastIndex(authority, "@")
	if at < 0 {
		return authority, nil
	}
	user, password, _ := strings.Cut(authority[:at], ":")
	if password == "" && at > 0 {
		return "", errors.New("no password: want USER:PASSWORD@ or :PASSWORD@ before the address")
	}
	p.Username, err = url.PathUnescape(user)
	if err == nil {
		p.Password, err = url.PathUnescape(password)
	}
	if err != nil { // it may quote the password: say the cause alone
		return "", errors.New("user or password holds a % that is no percent-encoding: write it as %25")
	}
	return authority[at+1:], nil
}

func (p *parsed) takeSingle(hosts, path string) error {
	if strings.Contains(hosts, ",") {
		return fmt.Errorf("several addresses: want %s+cluster:// or %s+sentinel://", p.scheme, p.scheme)
	}
	if hosts == "" {
		hosts = "127.0.0.1"
	}
	return firstError(p.takeAddrs(hosts, redisPort), p.takeDB(strings.TrimSuffix(path, "/")))
}

func (p *parsed) takeSocket(hosts, path string) error {
	if hosts != "" || path == "" {
		return errors.New("no path of a socket: want unix:///PATH, with three slashes")
	}
	file, err := url.PathUnescape("/" + path)
	if err != nil {
		return fmt.Errorf("socket path: %w", err)
	}
	p.Addrs = []string{file}
	return nil
}

func (p *parsed) takeSentinel(hosts, path string) error {
	master, db, _ := strings.Cut(strings.TrimSuffix(path, "/"), "/")
	master, err := url.PathUnescape(master)
	if err != nil {
		return fmt.Errorf("name of the master: %w", err)
	}
	if master == "" {
		return fmt.Errorf("no name of a master: want %s://HOST:PORT,HOST:PORT/MASTER", p.scheme)
	}
	p.MasterName = master
	return firstError(p.takeAddrs(hosts, sentinelPort), p.takeDB(db))
}

func (p *parsed) takeCluster(hosts, path string) error {
	if db := strings.TrimSuffix(path, "/"); db != "" && db != "0" {
		return fmt.Errorf("database %q: a Cluster has database 0 alone", db)
	}
	p.IsClusterMode = true
	return p.takeAddrs(hosts, redisPort)
}

// takeAddrs reads HOST[:PORT],... A host that is an IPv6 address stands in
// brackets.
func (p *parsed) takeAddrs(hosts, defaultPort string) error {
	for addr := range strings.SplitSeq(hosts, ",") {
		u := url.URL{Host: addr}
		host, port := u.Hostname(), u.Port()
		if port == "" {
			port = defaultPort
			addr = strings.TrimSuffix(addr, ":") + ":" + port
		}
		n, err := strconv.ParseUint(port, 10, 16)
		if _, _, split := net.SplitHostPort(addr); err != nil || n == 0 || split != nil || !fitHost(host) {
			return fmt.Errorf("address %q: want HOST:PORT with a port of 1 to 65535", addr)
		}
		p.Addrs = append(p.Addrs, net.JoinHostPort(host, port))
	}
	return nil
}

func fitHost(host string) bool {
	return host != "" && !strings.ContainsFunc(host, func(r rune) bool {
		return r <= ' ' || r == 0x7f || strings.ContainsRune(`/?#@[]"<>\`, r)
	})
}

func (p *parsed) takeDB(text string) error {
	if text == "" {
		return nil
	}
	db, err := strconv.ParseUint(text, 10, 31)
	if err != nil {
		return fmt.Errorf("database %q: want a number from 0 up", text)
	}
	p.DB = int(db)
	return nil
}

func firstError(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

// place is the URL without secrets and parameters, for logs and errors.
func (p *parsed) place() string {
	switch {
	case p.scheme == "unix":
		return "unix://" + p.Addrs[0]
	case p.cluster():
		return p.scheme + "://" + strings.Join(p.Addrs, ",")
	case p.sentinel():
		return fmt.Sprintf("%s://%s/%s/%d", p.scheme, strings.Join(p.Addrs, ","), p.MasterName, p.DB)
	default:
		return fmt.Sprintf("%s://%s/%d", p.scheme, p.Addrs[0], p.DB)
	}
}
