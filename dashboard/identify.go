package dashboard

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strings"

	"github.com/drayhorse/drayhorse/internal/access"
)

// secretHeader is where a proxy shows that it is one.
const secretHeader = "X-Drayhorse-Proxy-Secret" //nolint:gosec // the name of a header

// proxies are those whose headers are believed.
type proxies []netip.Prefix

func (all proxies) has(addr netip.Addr) bool {
	return slices.ContainsFunc(all, func(p netip.Prefix) bool { return p.Contains(addr) })
}

// peerOf is the other end of the connection of a request; the zero Addr where it has none.
func peerOf(r *http.Request) netip.Addr {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		host = r.RemoteAddr
	}
	addr, err := netip.ParseAddr(host)
	if err != nil {
		return netip.Addr{}
	}
	return addr.Unmap().WithZone("")
}

// clientOf is whom the proxies that are believed name as their client, and else the peer: the
// last address of X-Forwarded-For that is none of them. Those before it anybody may have written.
func (all proxies) clientOf(r *http.Request) netip.Addr {
	at := peerOf(r)
	chain := strings.Split(strings.Join(r.Header.Values("X-Forwarded-For"), ","), ",")
	for _, text := range slices.Backward(chain) {
		if !all.has(at) {
			return at
		}
		before, ok := parseHop(strings.TrimSpace(text))
		if !ok {
			return at
		}
		at = before
	}
	return at
}

// parseHop reads an address of X-Forwarded-For, which some proxies write with a port.
func parseHop(text string) (netip.Addr, bool) {
	addr, err := netip.ParseAddr(text)
	if err != nil {
		var with netip.AddrPort
		if with, err = netip.ParseAddrPort(text); err == nil {
			addr = with.Addr()
		}
	}
	return addr.Unmap().WithZone(""), err == nil
}

// networkOf is what failed logins of an address count for: of IPv6 everybody has many.
func networkOf(addr netip.Addr) string {
	if addr.Is6() {
		if p, err := addr.Prefix(64); err == nil {
			return p.String()
		}
	}
	return addr.String()
}

// forwarded names the header that says that a request comes through a proxy, "" if none does.
func forwarded(r *http.Request) string {
	for _, name := range []string{"Forwarded", "X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto", "X-Real-Ip", "Via"} {
		if r.Header.Get(name) != "" {
			return name
		}
	}
	return ""
}

// identify says who makes the request; nil where he has to log in first.
func (q *request) identify() (*access.User, error) {
	switch cfg := &q.d.cfg; {
	case cfg.Authenticate != nil:
		user, err := cfg.Authenticate(q.r)
		if err != nil {
			return nil, &refusal{status: http.StatusForbidden, text: "You are not let in. The log of this program says why.", cause: err}
		}
		known := &access.User{Name: user.Name, Role: access.Role(user.Role), Scope: user.Scope}
		if !known.May(access.Known) {
			return nil, refuse(http.StatusForbidden, "You are not let in: you have no role here.")
		}
		return known, nil
	case cfg.UserHeader != "":
		return q.proxied()
	case cfg.UserFile != "":
		return q.loggedIn(q.r.Context())
	case len(cfg.Hosts) == 0 && forwarded(q.r) != "":
		return nil, refuse(http.StatusForbidden, "The request comes through a proxy (it has %s), and nobody is asked who he is. Set up a login, or say with --host of drayhorse ui by what name browsers come.", forwarded(q.r))
	}
	return access.Anybody(), nil
}

// proxied is the user whom a proxy names that may.
func (q *request) proxied() (*access.User, error) {
	cfg := &q.d.cfg
	if !q.d.proxies.has(peerOf(q.r)) {
		return nil, refuse(http.StatusForbidden, "Requests have to come through the proxy that says who comes.")
	}
	if cfg.ProxySecret != "" {
		got, want := sha256.Sum256([]byte(strings.Join(q.r.Header.Values(secretHeader), "\n"))), sha256.Sum256([]byte(cfg.ProxySecret))
		if subtle.ConstantTimeCompare(got[:], want[:]) != 1 {
			return nil, refuse(http.StatusForbidden, "The proxy does not show its secret.")
		}
	}
	names := q.r.Header.Values(cfg.UserHeader)
	if len(names) != 1 || names[0] == "" {
		return nil, refuse(http.StatusForbidden, "The proxy names %d users in %s; want one.", len(names), cfg.UserHeader)
	}
	entry := q.d.users.Find(names[0])
	if entry == nil {
		return nil, refuse(http.StatusForbidden, "User %q has no role here.", clip(names[0]))
	}
	return &entry.User, nil
}

// loggedIn is the user whose session the request has; nil: it has none that is valid. While
// Redis is away nobody is let in.
func (q *request) loggedIn(ctx context.Context) (*access.User, error) {
	token := q.cookie()
	if token == "" {
		return nil, nil
	}
	inUse := q.r.Header.Get("X-Drayhorse-Live") == "" // no page that fetches itself
	name, stamp, err := q.d.sessions.Find(ctx, token, inUse)
	if err != nil || name == "" {
		return nil, err
	}
	entry := q.d.users.FindStill(name, stamp)
	if entry == nil || entry.Password == nil && q.d.provider == nil {
		return nil, q.d.sessions.End(ctx, token)
	}
	q.token = token
	return &entry.User, nil
}
