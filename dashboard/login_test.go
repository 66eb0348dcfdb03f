package dashboard_test

import (
	"crypto/tls"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/drayhorse/drayhorse/dashboard"
	"github.com/drayhorse/drayhorse/internal/password"
	"github.com/drayhorse/drayhorse/internal/redistest"
)

const secret = "correct horse battery"

// hashOfSecret is made once: it takes its time.
var hashOfSecret = sync.OnceValue(func() string {
	h, err := password.New(secret)
	if err != nil {
		panic(err)
	}
	return h.String()
})

// gatehouse is a dashboard with a login, whose clock the test moves.
type gatehouse struct {
	*rig

	file string
	mu   sync.Mutex
	now  time.Time
}

func (g *gatehouse) clock() time.Time { g.mu.Lock(); defer g.mu.Unlock(); return g.now }

func (g *gatehouse) pass(t time.Duration) { g.mu.Lock(); defer g.mu.Unlock(); g.now = g.now.Add(t) }

// users writes the file of users: lines of a name, a role and a hash.
func (g *gatehouse) users(lines ...string) {
	g.t.Helper()
	text := "users:\n"
	for _, line := range lines {
		f := strings.Fields(line)
		text += fmt.Sprintf("  - {name: %s, role: %s, scope: ['*'], password: '%s'}\n", f[0], f[1], f[2])
	}
	if err := os.WriteFile(g.file, []byte(text), 0o600); err != nil {
		g.t.Fatal(err)
	}
}

func guarded(t *testing.T, change func(*dashboard.Config)) *gatehouse {
	t.Helper()
	g := &gatehouse{now: time.Unix(1_900_000_000, 0), file: filepath.Join(t.TempDir(), "users.yaml")}
	g.rig = setup(t, nil)
	g.users("ann admin "+hashOfSecret(), "vic viewer "+hashOfSecret())
	cfg := dashboard.Config{Admin: g.admin, RedisURL: g.url, UserFile: g.file}
	if change != nil {
		change(&cfg)
	}
	handler, err := dashboard.NewAt(cfg, g.clock)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := handler.(interface{ Close() error }).Close(); err != nil {
			t.Error(err)
		}
	})
	g.handler = handler
	g.serve(handler, "/")
	return g
}

// visitor is a browser, as far as logins go.
type visitor struct {
	*gatehouse

	cookie string // NAME=VALUE
	change func(*http.Request)
}

func (v *visitor) ask(method, path, body string) answer {
	v.t.Helper()
	a := v.do(method, path, body, func(q *http.Request) {
		if v.cookie != "" {
			q.Header.Set("Cookie", v.cookie)
		}
		if v.change != nil {
			v.change(q)
		}
	})
	if set := a.header.Get("Set-Cookie"); set != "" {
		v.cookie, _, _ = strings.Cut(set, ";")
	}
	return a
}

// logIn types a name and a password.
func (v *visitor) logIn(name, password string) answer {
	v.t.Helper()
	return v.ask(http.MethodPost, "login", url.Values{"name": {name}, "password": {password}}.Encode())
}

// isIn wants to be let in, or to be led to the login.
func (v *visitor) isIn(want bool) {
	v.t.Helper()
	a := v.ask(http.MethodGet, "queues", "")
	if in := a.code == http.StatusOK; in != want || !in && (a.code != http.StatusSeeOther || a.header.Get("Location") != "login?next=queues") {
		v.t.Errorf("let in: %v (%d to %q); want %v", in, a.code, a.header.Get("Location"), want)
	}
}

func TestLogin(t *testing.T) {
	g := guarded(t, nil)
	v := &visitor{gatehouse: g}
	v.isIn(false)
	if a := v.ask(http.MethodGet, "jobs?queue=a.b&state=scheduled", ""); a.header.Get("Location") != "login?next=jobs%3Fqueue%3Da.b%26state%3Dscheduled" {
		t.Errorf("to %q", a.header.Get("Location"))
	}
	a := v.ask(http.MethodGet, "login?next=jobs", "")
	g.wants("the login", a.body, `type="password"`, `name="next" value="jobs"`, `autocomplete="current-password"`)
	if a.code != http.StatusOK || strings.Contains(a.body, g.namespace) || strings.Contains(a.body, "127.0.0.1") || strings.Contains(a.body, `href="queues"`) || len(a.header.Values("Set-Cookie")) != 0 {
		t.Errorf("the login tells strangers something: %d %v %s", a.code, a.header, a.body)
	}
	for _, path := range []string{"do", "confirm", "reveal", "logout"} {
		if a := v.ask(http.MethodPost, path, ""); a.code != http.StatusUnauthorized {
			t.Errorf("%s without a login: %d", path, a.code)
		}
	}
	wrong, unknown := v.logIn("ann", "wrong horse battery"), v.logIn("nobody", secret)
	if wrong.code != http.StatusUnauthorized || unknown.code != wrong.code || strings.ReplaceAll(unknown.body, "nobody", "ann") != wrong.body || v.cookie != "" {
		t.Errorf("a wrong password: %d; an unknown name: %d\n%s\n%s", wrong.code, unknown.code, wrong.body, unknown.body)
	}
	if strings.Contains(wrong.body, "wrong horse") {
		t.Error("the page has the password")
	}
	for _, bad := range []string{"", strings.Repeat("x", 1100), "\x00"} {
		if a := v.logIn("ann", bad); a.code != http.StatusUnauthorized {
			t.Errorf("password %.9q: %d", bad, a.code)
		}
	}
	a = v.ask(http.MethodPost, "login", url.Values{"name": {"ann"}, "password": {secret}, "next": {"jobs?queue=a.b"}}.Encode())
	if set := a.header.Get("Set-Cookie"); a.code != http.StatusSeeOther || a.header.Get("Location") != "jobs?queue=a.b" ||
		!strings.HasPrefix(set, "drayhorse=") || !strings.HasSuffix(set, "; Path=/; HttpOnly; SameSite=Lax") {
		t.Errorf("%d to %q, %q", a.code, a.header.Get("Location"), set)
	}
	v.isIn(true)
	if a := v.ask(http.MethodGet, "login", ""); a.code != http.StatusSeeOther {
		t.Errorf("who is in is asked again: %d", a.code)
	}
	g.wants("a page", v.ask(http.MethodGet, "", "").body, "ann", `action="logout"`)
	g.wants("the audit", v.ask(http.MethodGet, "audit", "").body, "login", "ann")
	if body := v.ask(http.MethodGet, "audit?refused=1", "").body; strings.Contains(body, "nobody") {
		t.Error("the audit has a name that nobody has, which may be a password")
	}
	g.wants("the refusals", v.ask(http.MethodGet, "audit?refused=1", "").body, "name or password is wrong", "(no user&#39;s name)")

	before := v.cookie
	if a := v.ask(http.MethodPost, "logout", ""); a.code != http.StatusSeeOther || !strings.Contains(a.header.Get("Set-Cookie"), "Max-Age=0") {
		t.Errorf("log out: %d %v", a.code, a.header)
	}
	v.isIn(false)
	v.cookie = before // replay
	v.isIn(false)
}

// TestTokensAreNowhereInRedis: who reads it has none.
func TestTokensAreNowhereInRedis(t *testing.T) {
	g := guarded(t, nil)
	v := &visitor{gatehouse: g}
	v.logIn("ann", secret)
	token := strings.TrimPrefix(v.cookie, "drayhorse=")
	raw := g.raw()
	keys, err := raw.Keys(t.Context(), g.namespace+":{@web}:*").Result()
	if err != nil || len(keys) == 0 || len(token) != 43 {
		t.Fatalf("%v, %v; token %q", keys, err, token)
	}
	for _, key := range keys {
		if dump, err := raw.Dump(t.Context(), key).Result(); err != nil || strings.Contains(dump, token) || strings.Contains(dump, "horse battery") {
			t.Errorf("%s has the token or the password, or %v", key, err)
		}
	}
	ids, err := raw.HKeys(t.Context(), g.namespace+":{@web}:sessions").Result()
	if err != nil || len(ids) != 1 {
		t.Fatal(ids, err)
	}
	for _, value := range []string{ids[0], ids[0][:43]} {
		(&visitor{gatehouse: g, cookie: "drayhorse=" + value}).isIn(false)
	}
}

func TestSessionsAreNotFixed(t *testing.T) {
	g := guarded(t, nil)
	mallory := &visitor{gatehouse: g}
	mallory.logIn("vic", secret)
	for _, planted := range []string{"drayhorse=" + strings.Repeat("A", 43), mallory.cookie} {
		victim := &visitor{gatehouse: g, cookie: planted}
		victim.logIn("ann", secret)
		if victim.cookie == planted {
			t.Error("the planted session is taken over")
		}
		victim.isIn(true)
		(&visitor{gatehouse: g, cookie: planted}).isIn(false)
	}
	ann := &visitor{gatehouse: g}
	ann.logIn("ann", secret)
	for _, cookies := range []string{ann.cookie + "; " + mallory.cookie, mallory.cookie + "; " + ann.cookie, strings.Replace(ann.cookie, "drayhorse", "__Host-drayhorse", 1)} {
		(&visitor{gatehouse: g, cookie: cookies}).isIn(false)
	}
}

func TestSessionsEnd(t *testing.T) {
	g := guarded(t, nil)
	ann, again, vic := &visitor{gatehouse: g}, &visitor{gatehouse: g}, &visitor{gatehouse: g}
	login := func() {
		t.Helper()
		for v, name := range map[*visitor]string{ann: "ann", again: "ann", vic: "vic"} {
			if a := v.logIn(name, secret); a.code != http.StatusSeeOther {
				t.Fatalf("%s: %d %s", name, a.code, a.body)
			}
			v.isIn(true)
		}
	}
	login()
	again.change = func(q *http.Request) { q.Header.Set("X-Drayhorse-Live", "1") }
	for i := range 4 {
		g.pass(20 * time.Minute)
		ann.isIn(true)
		again.isIn(i == 0) // its page fetches itself, and nobody uses it
	}
	vic.isIn(false)
	again.change = nil
	login()
	if a := ann.ask(http.MethodPost, "logout", "everywhere=1"); a.code != http.StatusSeeOther {
		t.Errorf("log out everywhere: %d", a.code)
	}
	again.isIn(false)
	vic.isIn(true)
	login()
	g.users("ann operator " + hashOfSecret()) // vic is gone, ann has another role
	redistest.Eventually(t, within, "the file is taken over", func() bool { return vic.ask(http.MethodGet, "queues", "").code != http.StatusOK })
	ann.isIn(false)
	again.isIn(false)
	if a := vic.logIn("vic", secret); a.code != http.StatusUnauthorized {
		t.Errorf("who is not there any more logs in: %d", a.code)
	}
	ann.logIn("ann", secret)
	ann.isIn(true)
	other, err := password.New("another horse battery")
	if err != nil {
		t.Fatal(err)
	}
	g.users("ann operator " + other.String())
	redistest.Eventually(t, within, "the password is another", func() bool { return ann.ask(http.MethodGet, "queues", "").code != http.StatusOK })
	if n, err := g.raw().HLen(t.Context(), g.namespace+":{@web}:sessions").Result(); err != nil || n != 0 {
		t.Errorf("%d sessions are left, %v", n, err)
	}
}

func TestFailedLoginsWait(t *testing.T) {
	g := guarded(t, nil)
	v := &visitor{gatehouse: g}
	v.change = func(q *http.Request) { q.Header.Set("X-Forwarded-For", fmt.Sprint("10.0.0.", len(q.Header))) } // nobody believes it
	for i := range 6 {
		if a := v.logIn("ann", "wrong horse battery"); a.code != http.StatusUnauthorized {
			t.Fatalf("%d: %d", i, a.code)
		}
	}
	a := v.logIn("ann", secret) // the right one, too
	if a.code != http.StatusTooManyRequests || a.header.Get("Retry-After") != "1" || v.cookie != "" {
		t.Errorf("the seventh: %d %v", a.code, a.header)
	}
	g.wants("the page", a.body, "Too many logins failed")
	g.pass(time.Second)
	if a := v.logIn("ann", secret); a.code != http.StatusSeeOther {
		t.Errorf("afterwards: %d", a.code)
	}
	for i := range 4 {
		if a := v.logIn(fmt.Sprint("user", i), secret); a.code != http.StatusUnauthorized {
			t.Errorf("user%d: %d", i, a.code)
		}
	}
	v.logIn("user9", secret)
	if a := v.logIn("user10", secret); a.code != http.StatusTooManyRequests {
		t.Errorf("the address tries on: %d", a.code)
	}
}

// TestLoginsBehindAProxy: addresses are those that proxies of the list name.
func TestLoginsBehindAProxy(t *testing.T) {
	g := guarded(t, func(c *dashboard.Config) {
		c.Proxies = []string{"127.0.0.0/8", "::1", "10.1.0.0/16"}
		c.HTTPS = true
		c.Hosts = []string{"jobs.example.com"}
	})
	from := ""
	v := &visitor{gatehouse: g}
	v.change = func(q *http.Request) {
		q.Host = "jobs.example.com"
		q.Header.Set("X-Forwarded-For", from)
		q.Header.Set("Origin", "https://jobs.example.com")
	}
	for i := range 11 {
		from = fmt.Sprintf("203.0.113.%d, 198.51.100.7:%d, 10.1.2.3", i, 4000+i) // what comes before the last stranger he may have written himself
		v.logIn(fmt.Sprint("user", i), secret)
	}
	if a := v.logIn("ann", secret); a.code != http.StatusTooManyRequests {
		t.Errorf("the same client: %d", a.code)
	}
	from = "198.51.100.8"
	a := v.logIn("ann", secret)
	if set := a.header.Get("Set-Cookie"); a.code != http.StatusSeeOther || !strings.HasPrefix(set, "__Host-drayhorse=") || !strings.HasSuffix(set, "; Path=/; HttpOnly; Secure; SameSite=Lax") {
		t.Errorf("another client: %d %q", a.code, set)
	}
	if a.header.Get("Strict-Transport-Security") == "" {
		t.Error("https is not asked for again")
	}
	v.isIn(true)
	g.wants("the audit", v.ask(http.MethodGet, "audit", "").body, "for 198.51.100.8")
	v.change = func(q *http.Request) { q.Host = "evil.example" } // rebound, with the cookie
	if a := v.ask(http.MethodGet, "queues", ""); a.code != http.StatusForbidden {
		t.Errorf("under another name: %d", a.code)
	}
}

// TestOverTLS cookies are secure without being told.
func TestOverTLS(t *testing.T) {
	g := guarded(t, nil)
	server := httptest.NewTLSServer(g.handler)
	t.Cleanup(server.Close)
	g.base, g.client = server.URL+"/", server.Client()
	g.client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	g.client.Transport.(*http.Transport).TLSClientConfig.MinVersion = tls.VersionTLS13
	v := &visitor{gatehouse: g, change: func(q *http.Request) { q.Header.Del("Origin"); q.Header.Set("Sec-Fetch-Site", "same-origin") }}
	if a := v.logIn("vic", secret); !strings.HasPrefix(a.header.Get("Set-Cookie"), "__Host-drayhorse=") || !strings.Contains(a.header.Get("Set-Cookie"), "; Secure;") {
		t.Errorf("%d %v", a.code, a.header)
	}
	v.isIn(true)
}

func TestALoginLeadsToPagesOfItsOwn(t *testing.T) {
	g := guarded(t, nil)
	for next, want := range map[string]string{
		"": "./", "jobs": "jobs", "job?queue=q&id=a/b": "job?id=a%2Fb&queue=q", "//evil.example": "./", "https://evil.example/": "./", `\\evil.example`: "./",
		"/jobs": "./", "../x": "./", "login": "./", "static/style.css": "./", "javascript:alert(1)": "./", "jobs\r\nX: y": "./", "do": "./", "jobs?%zz": "./", "queues#x": "./",
	} {
		a := (&visitor{gatehouse: g}).ask(http.MethodPost, "login", url.Values{"name": {"vic"}, "password": {secret}, "next": {next}}.Encode())
		if a.code != http.StatusSeeOther || a.header.Get("Location") != want {
			t.Errorf("next %q: %d to %q; want %q", next, a.code, a.header.Get("Location"), want)
		}
	}
}

// TestAProxySaysWhoComes: the one that may, with one name that is known.
func TestAProxySaysWhoComes(t *testing.T) {
	const vouched = "a secret of the proxy's"
	g := guarded(t, func(c *dashboard.Config) {
		c.UserHeader = "X-Forwarded-User"
		c.Proxies = []string{"127.0.0.1"}
		c.ProxySecret = vouched
	})
	strangers := guardedAgain(g, dashboard.Config{Admin: g.admin, UserFile: g.file, UserHeader: "X-Forwarded-User", Proxies: []string{"10.0.0.1"}})
	for _, c := range []struct {
		name string
		set  http.Header
		code int
	}{
		{"ann", http.Header{"X-Forwarded-User": {"ann"}, "X-Drayhorse-Proxy-Secret": {vouched}}, 200},
		{"vic", http.Header{"X-Forwarded-User": {"vic"}, "X-Drayhorse-Proxy-Secret": {vouched}}, 403},
		{"nobody", http.Header{"X-Drayhorse-Proxy-Secret": {vouched}}, 403},
		{"empty", http.Header{"X-Forwarded-User": {""}, "X-Drayhorse-Proxy-Secret": {vouched}}, 403},
		{"two", http.Header{"X-Forwarded-User": {"ann", "vic"}, "X-Drayhorse-Proxy-Secret": {vouched}}, 403},
		{"a list", http.Header{"X-Forwarded-User": {"ann, vic"}, "X-Drayhorse-Proxy-Secret": {vouched}}, 403},
		{"unknown", http.Header{"X-Forwarded-User": {"Ann"}, "X-Drayhorse-Proxy-Secret": {vouched}}, 403},
		{"no secret", http.Header{"X-Forwarded-User": {"ann"}}, 403},
		{"a wrong one", http.Header{"X-Forwarded-User": {"ann"}, "X-Drayhorse-Proxy-Secret": {vouched + "x"}}, 403},
		{"two secrets", http.Header{"X-Forwarded-User": {"ann"}, "X-Drayhorse-Proxy-Secret": {"x", vouched}}, 403},
	} {
		change := func(q *http.Request) {
			for name, values := range c.set {
				q.Header[name] = values
			}
			q.Header.Set("X-Forwarded-For", "127.0.0.1, 10.0.0.1") // who comes from elsewhere gains nothing by it
		}
		if a := g.do(http.MethodGet, "audit", "", change); a.code != c.code {
			t.Errorf("%s: %d; want %d", c.name, a.code, c.code)
		}
		if a := strangers.do(http.MethodGet, "queues", "", change); a.code != http.StatusForbidden {
			t.Errorf("%s from elsewhere: %d", c.name, a.code)
		}
	}
	if a := g.do(http.MethodGet, "login", "", nil); a.code != http.StatusNotFound {
		t.Errorf("there is a login: %d", a.code)
	}
}

// guardedAgain serves another dashboard on the same Redis.
func guardedAgain(g *gatehouse, cfg dashboard.Config) *rig {
	g.t.Helper()
	handler, err := dashboard.New(cfg)
	if err != nil {
		g.t.Fatal(err)
	}
	g.t.Cleanup(func() { _ = handler.(interface{ Close() error }).Close() })
	r := &rig{t: g.t, url: g.url, namespace: g.namespace, admin: g.admin, jobs: g.jobs, handler: handler}
	r.serve(handler, "/")
	return r
}

// TestNobodyIsAskedOnThisMachineAlone: what a proxy hands on without a login is refused.
func TestNobodyIsAskedOnThisMachineAlone(t *testing.T) {
	r := setup(t, nil)
	for _, name := range []string{"Forwarded", "X-Forwarded-For", "X-Forwarded-Host", "X-Real-Ip", "Via"} {
		if a := r.do(http.MethodGet, "queues", "", func(q *http.Request) { q.Header.Set(name, "127.0.0.1") }); a.code != http.StatusForbidden {
			t.Errorf("%s: %d", name, a.code)
		}
	}
	for _, name := range []string{"X-Forwarded-User", "X-Remote-User"} {
		if a := r.do(http.MethodGet, "queues", "", func(q *http.Request) { q.Header.Set(name, "root") }); a.code != http.StatusOK {
			t.Errorf("%s: %d", name, a.code)
		}
	}
}

func TestConfigOfLogins(t *testing.T) {
	t.Parallel()
	for want, cfg := range map[string]dashboard.Config{
		`user_header "X-User" without proxies`:   {UserHeader: "X-User", UserFile: "x"},
		`user_header "X-User" without user_file`: {UserHeader: "X-User", Proxies: []string{"10.0.0.1"}},
		`user_header "X-Forwarded-For"; want`:    {UserHeader: "X-Forwarded-For", UserFile: "x", Proxies: []string{"10.0.0.1"}},
		`user_header "a b"; want`:                {UserHeader: "a b", UserFile: "x", Proxies: []string{"10.0.0.1"}},
		`proxy "10.0.0.1/8"; want`:               {Proxies: []string{"10.0.0.1/8"}},
		`proxy "0.0.0.0/0"; want`:                {Proxies: []string{"0.0.0.0/0"}},
		`proxy "proxy.example.com"; want`:        {Proxies: []string{"proxy.example.com"}},
		`a proxy secret without user_header`:     {ProxySecret: strings.Repeat("x", 16)},
		`a proxy secret of 5 bytes`:              {UserHeader: "X-User", UserFile: "x", Proxies: []string{"10.0.0.1"}, ProxySecret: "short"},
		`Authenticate with UserFile`:             {UserFile: "x", Authenticate: byName},
		`user_file "nowhere.yaml"`:               {UserFile: "nowhere.yaml"},
		`mask "--"; want`:                        {Mask: []string{"--"}},
	} {
		if _, err := dashboard.New(cfg); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%+v: %v; want %s", cfg, err, want)
		}
	}
}
