package handlers

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/drayhorse/drayhorse"
)

// errOutside is how the tests keep their packets off the network.
var errOutside = errors.New("would leave this machine")

func TestRefusedAddresses(t *testing.T) {
	t.Parallel()
	for name, addrs := range map[string][]string{
		"": {
			"1.1.1.1", "8.8.8.8", "9.255.255.255", "11.0.0.0", "100.63.255.255", "100.128.0.0", "172.15.255.255", "172.32.0.0", "192.167.255.255",
			"223.255.255.255", "2606:4700::1111", "2a00::1", "2001:4860:4860::8888", "64:ff9b::808:808", "2002:808:808::1", "::ffff:8.8.8.8",
		},
		"unspecified":       {"0.0.0.0", "0.1.2.3", "::", "::ffff:0.0.0.0"},
		"loopback":          {"127.0.0.1", "127.255.255.254", "::1", "::ffff:127.0.0.1", "64:ff9b::7f00:1", "2002:7f00:1::1"},
		"private":           {"10.0.0.1", "172.16.0.1", "172.31.255.255", "192.168.1.1", "::ffff:10.0.0.1", "64:ff9b::a00:1", "2002:a00:1::", "fc00::1", "fd00:ec2::254"},
		"link-local":        {"169.254.0.1", "169.254.169.254", "::ffff:169.254.169.254", "64:ff9b::a9fe:a9fe", "2002:a9fe:a9fe::", "fe80::1", "fe80::1%eth0"},
		"carrier-grade NAT": {"100.64.0.0", "100.127.255.255", "64:ff9b::6440:1", "2002:6440:1::"},
		"multicast":         {"224.0.0.1", "239.255.255.255", "ff02::1", "::ffff:224.0.0.1"},
		"benchmarking":      {"198.18.0.1", "198.19.255.255"},
		"documentation":     {"192.0.2.1", "198.51.100.1", "203.0.113.1", "2001:db8::1", "3fff::1"},
		"6to4 relay":        {"192.88.99.1"},
		"reserved": {
			"192.0.0.1", "240.0.0.1", "255.255.255.255", "2001::1", "2001:10::1", "100::1", "fec0::1", "4000::1", "64:ff9b:1::1",
			"::7f00:1", "::ffff:0:7f00:1", "5f00::1",
		},
	} {
		for _, addr := range addrs {
			if got := refuse(netip.MustParseAddr(addr)); got != name {
				t.Errorf("%s is refused as %q; want %q", addr, got, name)
			}
		}
	}
}

// TestMetadataOfCloudsIsOutOfReach, by its address, by a name, inside IPv6, after a
// redirect, and with allow_private too. The dialer of the test lets nothing out.
func TestMetadataOfCloudsIsOutOfReach(t *testing.T) {
	t.Parallel()
	for cloud, addr := range map[string]string{
		"AWS": "169.254.169.254", "AWS over IPv6": "fd00:ec2::254", "AWS ECS": "169.254.170.2", "AWS EKS": "169.254.170.23", "AWS EKS over IPv6": "fd00:ec2::23",
		"Azure": "169.254.169.254", "Azure WireServer": "168.63.129.16", "GCP": "169.254.169.254", "GCP over IPv6": "fd20:ce::254",
		"Oracle": "169.254.169.254", "Oracle Classic": "192.0.0.192", "Oracle over IPv6": "fd00:c1::a9fe:a9fe", "Alibaba": "100.100.100.200",
		"Tencent": "169.254.0.23", "Scaleway": "169.254.42.42", "Scaleway over IPv6": "fd00:42::42", "Linode": "fd00:a9fe:a9fe::1",
		"Azure, mapped": "::ffff:168.63.129.16", "Azure by NAT64": "64:ff9b::a83f:8110", "Azure by 6to4": "2002:a83f:8110::1",
		"Alibaba by NAT64": "64:ff9b::6464:64c8",
	} {
		t.Run(cloud, func(t *testing.T) {
			t.Parallel()
			host := addr
			if strings.Contains(addr, ":") {
				host = "[" + addr + "]"
			}
			resolver := names{"hooks.example": {{addr}}, "front.example": {{"127.0.0.1"}}}.resolver(t)
			front := serve(t, http.RedirectHandler("http://"+host+"/latest/meta-data/", http.StatusTemporaryRedirect).ServeHTTP)
			at := netip.MustParseAddrPort(front.Listener.Addr().String())
			for url, private := range map[string]bool{
				"http://" + host + "/": true, "https://" + host + ":8443/": false, "http://hooks.example/": true, "https://hooks.example/": false,
				"http://front.example:" + port(t, front) + "/": true,
			} {
				var passed []netip.AddrPort
				alone := func(check func(netip.AddrPort) error) func(netip.AddrPort) error {
					return func(to netip.AddrPort) error {
						if to == at {
							return nil
						}
						if err := check(to); err != nil {
							return err
						}
						passed = append(passed, to)
						return errOutside
					}
				}
				opts := Options{resolver: resolver, allow: alone(checkPublic), allowPrivate: alone(checkMetadata)}
				err := buildOne(t, Config{HTTP: &HTTP{URL: url, AllowPrivate: private, Redirects: 1}}, opts)(t.Context(), newJob("{}").Job)
				if destination(err) != drayhorse.Retryable || !strings.Contains(err.Error(), "cloud's metadata, which no handler may reach") || len(passed) > 0 {
					t.Errorf("%s with allow_private %v: error %v, passed %v", url, private, err, passed)
				}
			}
		})
	}
}

// outside applies the real rule, and lets no packet out that it lets pass. It
// notes what passed.
type outside struct {
	mu     sync.Mutex
	passed []string
}

func (o *outside) allow(at netip.AddrPort) error {
	if err := checkPublic(at); err != nil {
		return err
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	o.passed = append(o.passed, at.String())
	return errOutside
}

// count is a server that counts its requests.
func count(t *testing.T) (*httptest.Server, *atomic.Int64) {
	t.Helper()
	var hits atomic.Int64
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { hits.Add(1) }))
	t.Cleanup(server.Close)
	return server, &hits
}

func port(t *testing.T, server *httptest.Server) string {
	t.Helper()
	u, err := url.Parse(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	return u.Port()
}

func TestNoWayToALocalServer(t *testing.T) {
	t.Parallel()
	server, hits := count(t)
	resolver := names{
		"inside.example":   {{"127.0.0.1"}},
		"mapped.example":   {{"::ffff:127.0.0.1"}},
		"six.example":      {{"::1"}},
		"metadata.example": {{"169.254.169.254", "fd00:ec2::254"}},
		"both.example":     {{"10.0.0.1", "127.0.0.1", "::1"}},
	}.resolver(t)
	for host, want := range map[string]string{
		"127.0.0.1": "loopback", "localhost": "loopback", "127.1.2.3": "loopback", "[::1]": "loopback", "[::ffff:127.0.0.1]": "loopback",
		"0.0.0.0": "unspecified", "[::]": "unspecified", "169.254.169.254": "metadata", "[fe80::1%25lo]": "link-local",
		"inside.example": "loopback", "mapped.example": "loopback", "six.example": "loopback", "metadata.example": "address", "both.example": "address",
		"2130706433": "", "0x7f000001": "", "017700000001": "", "127.1": "", "0": "", "inside.example.": "loopback", "INSIDE.example": "loopback",
	} {
		var out outside
		run := buildOne(t, Config{HTTP: &HTTP{URL: "http://" + host + ":" + port(t, server) + "/"}}, Options{resolver: resolver, allow: out.allow})
		err := run(t.Context(), newJob("{}").Job)
		if destination(err) != drayhorse.Retryable || !strings.Contains(err.Error(), want) || len(out.passed) > 0 {
			t.Errorf("%s: error %v, passed %q; want it refused as %q", host, err, out.passed, want)
		}
	}
	if n := hits.Load(); n != 0 {
		t.Errorf("the local server was reached %d times", n)
	}
}

func TestNameThatChangesItsMeaning(t *testing.T) {
	t.Parallel()
	server, hits := count(t)
	resolver := names{"rebind.example": {{"93.184.215.14"}, {"127.0.0.1"}}}.resolver(t)
	var out outside
	run := buildOne(t, Config{HTTP: &HTTP{URL: "http://rebind.example:" + port(t, server) + "/"}}, Options{resolver: resolver, allow: out.allow})
	if err := run(t.Context(), newJob("{}").Job); !errors.Is(err, errOutside) {
		t.Errorf("public address: %v; want it to pass", err)
	}
	if err := run(t.Context(), newJob("{}").Job); err == nil || !strings.Contains(err.Error(), "127.0.0.1 is a loopback address; set allow_private") {
		t.Errorf("second meaning: %v; want it refused", err)
	}
	if want := []string{"93.184.215.14:" + port(t, server)}; !slices.Equal(out.passed, want) {
		t.Errorf("passed %q; want %q", out.passed, want)
	}
	if n := hits.Load(); n != 0 {
		t.Errorf("the local server was reached %d times", n)
	}
}

func TestRedirectToAForbiddenAddress(t *testing.T) {
	t.Parallel()
	inner, hits := count(t)
	for _, target := range []string{inner.URL, "http://inside.example:" + port(t, inner), "http://169.254.169.254/latest/meta-data/", "file:///etc/passwd"} {
		front := httptest.NewServer(http.RedirectHandler(target, http.StatusTemporaryRedirect))
		t.Cleanup(front.Close)
		frontAddr := netip.MustParseAddrPort(front.Listener.Addr().String())
		allow := func(at netip.AddrPort) error {
			if at == frontAddr {
				return nil // the front stands for a public server
			}
			return new(outside).allow(at)
		}
		cfg := &HTTP{URL: front.URL, Redirects: 3}
		resolver := names{"inside.example": {{"127.0.0.1"}}}.resolver(t)
		err := buildOne(t, Config{HTTP: cfg}, Options{allow: allow, resolver: resolver})(t.Context(), newJob("{}").Job)
		if destination(err) != drayhorse.Retryable || !strings.Contains(err.Error(), "which no handler may reach") && !strings.Contains(err.Error(), "address; set allow_private") && !strings.HasPrefix(target, "file") {
			t.Errorf("redirect to %s: %v; want it refused", target, err)
		}
	}
	if n := hits.Load(); n != 0 {
		t.Errorf("the inner server was reached %d times", n)
	}
}

func TestPrivateIsReachedWhenAllowed(t *testing.T) {
	t.Parallel()
	server, hits := count(t)
	resolver := (names{"inside.example": {{"127.0.0.1"}}}).resolver(t)
	cfg := &HTTP{URL: "http://inside.example:" + port(t, server), AllowPrivate: true}
	if err := buildOne(t, Config{HTTP: cfg}, Options{resolver: resolver})(t.Context(), newJob("{}").Job); err != nil || hits.Load() != 1 {
		t.Errorf("error %v, %d requests; want one", err, hits.Load())
	}
}

// TestPrivateIsReachedAtTheHostOfTheURLAlone has a host inside lead to another one.
func TestPrivateIsReachedAtTheHostOfTheURLAlone(t *testing.T) {
	t.Parallel()
	inner, hits := count(t)
	for target, want := range map[string]bool{
		"http://FRONT.example:" + port(t, inner):   true,
		"http://inside.example:" + port(t, inner):  false,
		"http://127.0.0.1:" + port(t, inner):       false,
		"http://169.254.169.254/latest/meta-data/": false,
	} {
		front := httptest.NewServer(http.RedirectHandler(target, http.StatusTemporaryRedirect))
		t.Cleanup(front.Close)
		resolver := names{"front.example": {{"127.0.0.1"}}, "inside.example": {{"127.0.0.1"}}}.resolver(t)
		cfg := &HTTP{URL: "http://front.example:" + port(t, front), AllowPrivate: true, Redirects: 3}
		hits.Store(0)
		err := buildOne(t, Config{HTTP: cfg}, Options{resolver: resolver})(t.Context(), newJob("{}").Job)
		if want && (err != nil || hits.Load() != 1) || !want && (destination(err) != drayhorse.Retryable || hits.Load() != 0) {
			t.Errorf("redirect to %s: %v, %d requests", target, err, hits.Load())
		}
	}
}

// TestProxiesOfTheEnvironmentAreNotUsed: one would resolve names itself.
func TestProxiesOfTheEnvironmentAreNotUsed(t *testing.T) {
	t.Parallel()
	if newTransport(Options{}, checkPublic).Proxy != nil {
		t.Error("a proxy is used; want none")
	}
}
