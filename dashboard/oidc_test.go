package dashboard_test

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"

	"github.com/drayhorse/drayhorse"
	"github.com/drayhorse/drayhorse/dashboard"
	"github.com/drayhorse/drayhorse/internal/redistest"
)

// identityProvider is a small provider of OpenID Connect: it lets everybody in as whoever its claims say.
type identityProvider struct {
	t      *testing.T
	url    string
	client string
	secret string

	mu     sync.Mutex
	key    *rsa.PrivateKey
	id     string // of the key
	claims map[string]any
	change func(token map[string]any) // what is wrong with it
	codes  map[string]url.Values      // what was asked for, by code
	asked  []string                   // paths
	away   bool
}

func newIdentityProvider(t *testing.T) *identityProvider {
	t.Helper()
	p := &identityProvider{t: t, client: "drayhorse", secret: "s3cret/+", codes: map[string]url.Values{}, claims: map[string]any{"sub": "1", "email": "ann@example.com", "email_verified": true}}
	p.turn()
	server := httptest.NewServer(p)
	t.Cleanup(server.Close)
	p.url = server.URL
	return p
}

// turn has it sign with another key.
func (p *identityProvider) turn() {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		p.t.Fatal(err)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.key, p.id = key, fmt.Sprint(time.Now().UnixNano())
}

func (p *identityProvider) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.asked = append(p.asked, r.URL.Path)
	if p.away {
		http.Error(w, "away", http.StatusBadGateway)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	switch r.URL.Path {
	case "/.well-known/openid-configuration":
		_ = json.NewEncoder(w).Encode(map[string]any{
			"issuer": p.url, "authorization_endpoint": p.url + "/authorize", "token_endpoint": p.url + "/token", "jwks_uri": p.url + "/keys",
			"id_token_signing_alg_values_supported": []string{"RS256"},
		})
	case "/keys":
		_ = json.NewEncoder(w).Encode(jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{Key: p.key.Public(), KeyID: p.id, Algorithm: "RS256", Use: "sig"}}})
	case "/authorize":
		code := fmt.Sprintf("code-%d", len(p.codes))
		p.codes[code] = r.URL.Query()
		to, _ := url.Parse(r.URL.Query().Get("redirect_uri"))
		to.RawQuery = url.Values{"code": {code}, "state": {r.URL.Query().Get("state")}, "session_state": {"whatever"}, "iss": {p.url}}.Encode()
		http.Redirect(w, r, to.String(), http.StatusFound)
	case "/token":
		p.token(w, r)
	default:
		http.NotFound(w, r)
	}
}

func (p *identityProvider) token(w http.ResponseWriter, r *http.Request) {
	refuse := func(why string) {
		w.WriteHeader(http.StatusBadRequest)
		_ = json.NewEncoder(w).Encode(map[string]string{"error": "invalid_grant", "error_description": why})
	}
	asked, ok := p.codes[r.FormValue("code")]
	delete(p.codes, r.FormValue("code"))
	sum := sha256.Sum256([]byte(r.FormValue("code_verifier")))
	name, secret, _ := r.BasicAuth()
	name, _ = url.QueryUnescape(name)
	secret, _ = url.QueryUnescape(secret)
	switch {
	case !ok:
		refuse("code")
		return
	case asked.Get("code_challenge") != base64.RawURLEncoding.EncodeToString(sum[:]) || asked.Get("code_challenge_method") != "S256":
		refuse("verifier")
		return
	case name != p.client || secret != p.secret:
		refuse("client")
		return
	}
	token := map[string]any{"iss": p.url, "aud": p.client, "iat": time.Now().Unix(), "exp": time.Now().Add(time.Minute).Unix(), "nonce": asked.Get("nonce")}
	maps.Copy(token, p.claims)
	if p.change != nil {
		p.change(token)
	}
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.RS256, Key: jose.JSONWebKey{Key: p.key, KeyID: p.id}}, nil)
	if err != nil {
		p.t.Error(err)
	}
	text, err := jwt.Signed(signer).Claims(token).Serialize()
	if err != nil {
		p.t.Error(err)
	}
	_ = json.NewEncoder(w).Encode(map[string]any{"access_token": "a", "token_type": "Bearer", "id_token": text})
}

// says changes what it says of whoever logs in.
func (p *identityProvider) says(claims map[string]any) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.claims = claims
}

const oidcUsers = `users:
  - {name: ann@example.com, role: operator, scope: [mail]}
groups:
  - {name: ops, role: admin, scope: ["*"]}
  - {name: staff, role: viewer, scope: ["*"]}
`

// oidcHouse is a dashboard whose users log in at a provider.
func oidcHouse(t *testing.T, change func(*dashboard.Config)) (*gatehouse, *identityProvider) {
	t.Helper()
	p := newIdentityProvider(t)
	var handler http.Handler // made once its address is known
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { handler.ServeHTTP(w, r) }))
	t.Cleanup(server.Close)
	g := guarded(t, func(c *dashboard.Config) {
		if err := os.WriteFile(c.UserFile, []byte(oidcUsers), 0o600); err != nil {
			t.Fatal(err)
		}
		c.OIDC = &dashboard.OIDC{Issuer: p.url, ClientID: p.client, ClientSecret: p.secret, PublicURL: server.URL}
		if change != nil {
			change(c)
		}
	})
	handler, g.base = g.handler, server.URL+"/"
	return g, p
}

// browser keeps cookies.
type browser struct {
	*gatehouse

	cookies map[string]string
}

func (b *browser) visit(path string) answer {
	b.t.Helper()
	a := b.do(http.MethodGet, strings.TrimPrefix(path, b.base), "", func(q *http.Request) {
		for name, value := range b.cookies {
			q.AddCookie(&http.Cookie{Name: name, Value: value})
		}
	})
	for _, c := range (&http.Response{Header: a.header}).Cookies() {
		if c.MaxAge < 0 {
			delete(b.cookies, c.Name)
		} else {
			b.cookies[c.Name] = c.Value
		}
	}
	return a
}

// toProvider begins a login, and gives where the provider leads back to.
func (b *browser) toProvider(next string) string {
	b.t.Helper()
	a := b.visit("oidc?next=" + url.QueryEscape(next))
	if a.code != http.StatusSeeOther {
		b.t.Fatalf("oidc: %d %s", a.code, a.body)
	}
	resp, err := b.client.Get(a.header.Get("Location"))
	if err != nil {
		b.t.Fatal(err)
	}
	defer resp.Body.Close()
	back := resp.Header.Get("Location")
	if resp.StatusCode != http.StatusFound || !strings.HasPrefix(back, b.base+"oidc-callback?") {
		b.t.Fatalf("the provider answers %d, and leads to %q", resp.StatusCode, back)
	}
	return back
}

// logIn logs in at the provider, and gives the answer to its callback.
func (b *browser) logIn(next string) answer {
	b.t.Helper()
	return b.visit(b.toProvider(next))
}

func newBrowser(g *gatehouse) *browser { return &browser{g, map[string]string{}} }

// TestLoginAtAProvider from the page that nobody is let in to, and back there.
func TestLoginAtAProvider(t *testing.T) {
	g, p := oidcHouse(t, nil)
	g.enqueue("k", `{}`, drayhorse.Queue("mail"))
	g.enqueue("k", `{}`, drayhorse.Queue("vault"))
	b := newBrowser(g)
	a := b.visit("queue?queue=mail")
	if a.code != http.StatusSeeOther || a.header.Get("Location") != "login?next=queue%3Fqueue%3Dmail" {
		t.Fatalf("%d to %q", a.code, a.header.Get("Location"))
	}
	a = b.visit(a.header.Get("Location"))
	g.wants("the login", a.body, `href="oidc?next=queue%3Fqueue%3Dmail"`, "Log in at 127.0.0.1")
	if strings.Contains(a.body, `type="password"`) {
		t.Error("it asks for a password, which nobody has")
	}
	a = b.logIn("queue?queue=mail")
	if a.code != http.StatusSeeOther || a.header.Get("Location") != "queue?queue=mail" || len(b.cookies) != 1 {
		t.Fatalf("%d to %q, cookies %v: %s", a.code, a.header.Get("Location"), b.cookies, a.body)
	}
	g.wants("the page", b.visit("queue?queue=mail").body, "ann@example.com", "operator", "pause-queue")
	if a := b.visit("queue?queue=vault"); a.code != http.StatusNotFound {
		t.Errorf("out of scope: %d", a.code)
	}
	if slices.Contains(p.asked, "/userinfo") {
		t.Error("it asks for more than the token")
	}

	// By a group, the first of the file that the user is in; keys of the provider turn.
	p.turn()
	p.says(map[string]any{"sub": "2", "email": "bob@example.com", "email_verified": true, "groups": []string{"staff", "ops"}})
	admin := newBrowser(g)
	if a := admin.logIn(""); a.code != http.StatusSeeOther || a.header.Get("Location") != "./" {
		t.Fatalf("%d to %q: %s", a.code, a.header.Get("Location"), a.body)
	}
	g.wants("the page", admin.visit("queue?queue=vault").body, "bob@example.com", "delete-queue")
	g.wants("the audit", admin.visit("audit").body, "ann@example.com", "bob@example.com", "login")

	// A change of the file ends the session of whom it is about, and of no other.
	if err := os.WriteFile(g.file+".new", []byte(strings.Replace(oidcUsers, "name: ops, role: admin", "name: ops, role: reader", 1)), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(g.file+".new", g.file); err != nil {
		t.Fatal(err)
	}
	redistest.Eventually(t, within, "the session of the group's member has ended", func() bool { return admin.visit("queues").code == http.StatusSeeOther })
	if a := b.visit("queues"); a.code != http.StatusOK {
		t.Errorf("the other one: %d", a.code)
	}
	admin.logIn("")
	if body := admin.visit("queue?queue=vault").body; !strings.Contains(body, "reader") || strings.Contains(body, "delete-queue") {
		t.Errorf("after the change: %s", body)
	}
}

// TestLoginsAtAProviderThatAreRefused, each with what is wrong, and without a session.
func TestLoginsAtAProviderThatAreRefused(t *testing.T) {
	g, p := oidcHouse(t, nil)
	try := func(what string, code int, says string, visit func(b *browser) answer) {
		t.Helper()
		b := newBrowser(g)
		a := visit(b)
		if a.code != code || !strings.Contains(a.body, says) {
			t.Errorf("%s: %d; want %d and %q: %.400s", what, a.code, code, says, a.body[max(0, strings.Index(a.body, "<main")):])
		}
		if a := b.visit("queues"); a.code != http.StatusSeeOther {
			t.Errorf("%s: a session was begun: %d", what, a.code)
		}
		g.pass(25 * time.Hour) // what failed is forgotten
	}
	const again = "not begun in this browser"
	try("no cookie", 400, again, func(b *browser) answer {
		back := b.toProvider("")
		clear(b.cookies)
		return b.visit(back)
	})
	try("another browser's code", 400, again, func(b *browser) answer {
		theirs := newBrowser(g)
		back := theirs.toProvider("")
		b.toProvider("")
		return b.visit(back)
	})
	try("another browser's state and code", 503, "does not work", func(b *browser) answer {
		theirs := newBrowser(g).toProvider("")
		mine := b.toProvider("")
		code := regexp.MustCompile(`code=[^&]+`)
		return b.visit(code.ReplaceAllString(mine, code.FindString(theirs)))
	})
	try("a code that is used twice", 400, again, func(b *browser) answer {
		back := b.toProvider("")
		b.visit(back)
		clear(b.cookies)
		return b.visit(back)
	})
	try("a provider that refuses", 403, "access_denied", func(b *browser) answer {
		back, _ := url.Parse(b.toProvider(""))
		return b.visit(b.base + "oidc-callback?error=access_denied&error_description=%3Cb%3Eno%3C/b%3E&state=" + back.Query().Get("state"))
	})
	try("another issuer", 400, "Another provider", func(b *browser) answer {
		back := b.toProvider("")
		return b.visit(regexp.MustCompile(`iss=[^&]+`).ReplaceAllString(back, "iss=https%3A%2F%2Fevil.example"))
	})
	try("somebody without a role", 403, "has no role here", func(b *browser) answer {
		p.says(map[string]any{"sub": "3", "email": "eve@example.com", "email_verified": true, "groups": []string{"sales"}})
		return b.logIn("")
	})
	try("an address that is not verified", 403, "is not verified", func(b *browser) answer {
		p.says(map[string]any{"sub": "3", "email": "ann@example.com"})
		return b.logIn("")
	})
	try("no address", 403, "no claim", func(b *browser) answer {
		p.says(map[string]any{"sub": "3"})
		return b.logIn("")
	})
	p.says(map[string]any{"sub": "1", "email": "ann@example.com", "email_verified": true})
	for what, change := range map[string]func(map[string]any){
		"a token for others":      func(token map[string]any) { token["aud"] = "other" },
		"a token of others":       func(token map[string]any) { token["iss"] = "https://evil.example" },
		"a token of yesterday":    func(token map[string]any) { token["exp"] = time.Now().Add(-time.Hour).Unix() },
		"a token for another try": func(token map[string]any) { token["nonce"] = "x" },
	} {
		p.mu.Lock()
		p.change = change
		p.mu.Unlock()
		try(what, 503, "does not work", func(b *browser) answer { return b.logIn("") })
	}
	p.mu.Lock()
	p.change = nil
	p.mu.Unlock()
	away := func(yes bool) { p.mu.Lock(); defer p.mu.Unlock(); p.away = yes }
	try("a provider that is away when the token is asked for", 503, "does not work", func(b *browser) answer {
		back := b.toProvider("")
		away(true)
		return b.visit(back)
	})
	away(false)

	// Who tries again and again waits, and nobody elsewhere does.
	b := newBrowser(g)
	code := 0
	for range 20 {
		if code = b.visit("oidc-callback?code=x&state=x").code; code == http.StatusTooManyRequests {
			break
		}
	}
	if code != http.StatusTooManyRequests {
		t.Errorf("twenty in a row: %d", code)
	}
}

// TestAProviderThatIsAway at first: nobody is let in, who has a password is, and once it is there all is well.
func TestAProviderThatIsAway(t *testing.T) {
	g, p := oidcHouse(t, func(c *dashboard.Config) {
		with := strings.Replace(oidcUsers, "groups:", "  - {name: root, role: admin, scope: ['*'], password: '"+hashOfSecret()+"'}\ngroups:", 1)
		if err := os.WriteFile(c.UserFile, []byte(with), 0o600); err != nil {
			t.Fatal(err)
		}
	})
	p.mu.Lock()
	p.away = true
	p.mu.Unlock()
	b := newBrowser(g)
	if a := b.visit("oidc?next=queues"); a.code != http.StatusServiceUnavailable || !strings.Contains(a.body, "does not work at the moment") || !strings.Contains(a.body, `type="password"`) {
		t.Errorf("%d %s", a.code, a.body)
	}
	v := &visitor{gatehouse: g}
	if a := v.logIn("root", secret); a.code != http.StatusSeeOther {
		t.Errorf("a password: %d %s", a.code, a.body)
	}
	if a := (&visitor{gatehouse: g}).logIn("ann@example.com", ""); a.code != http.StatusUnauthorized {
		t.Errorf("no password for who has none: %d", a.code)
	}
	var together sync.WaitGroup
	for range 8 { // who come at once are told so by one answer, or none
		together.Go(func() {
			if a := newBrowser(g).visit("oidc"); a.code != http.StatusServiceUnavailable {
				t.Errorf("at once: %d", a.code)
			}
		})
	}
	together.Wait()
	p.mu.Lock()
	if len(p.asked) > 6 { // some more on a machine that takes longer than the pause
		t.Errorf("a provider that is away was asked %d times by nine", len(p.asked))
	}
	p.away = false
	p.mu.Unlock()
	redistest.Eventually(t, within, "it is asked again", func() bool { return newBrowser(g).visit("oidc").code == http.StatusSeeOther })
	if a := b.logIn("queues"); a.code != http.StatusSeeOther || a.header.Get("Location") != "queues" {
		t.Errorf("%d to %q: %s", a.code, a.header.Get("Location"), a.body)
	}
}

// TestSettingsOfAProvider that cannot be are refused before anything is served.
func TestSettingsOfAProvider(t *testing.T) {
	t.Parallel()
	good := dashboard.OIDC{Issuer: "https://login.example.com", ClientID: "drayhorse", PublicURL: "https://jobs.example.com/ops"}
	for want, change := range map[string]func(c *dashboard.Config){
		`issuer "http://login.example.com"`: func(c *dashboard.Config) { c.OIDC.Issuer = "http://login.example.com" },
		`issuer ""`:                         func(c *dashboard.Config) { c.OIDC.Issuer = "" },
		`public_url "jobs.example.com"`:     func(c *dashboard.Config) { c.OIDC.PublicURL = "jobs.example.com" },
		"no client ID":                      func(c *dashboard.Config) { c.OIDC.ClientID = "" },
		`scope "a b"`:                       func(c *dashboard.Config) { c.OIDC.Scopes = []string{"a b"} },
		"without user_file":                 func(c *dashboard.Config) { c.UserFile = "" },
		"Authenticate with":                 func(c *dashboard.Config) { c.UserFile, c.Authenticate = "", byName },
		"user_header with a provider":       func(c *dashboard.Config) { c.UserHeader, c.Proxies = "X-User", []string{"10.0.0.1"} },
	} {
		o := good
		cfg := dashboard.Config{UserFile: "users.yaml", OIDC: &o}
		change(&cfg)
		if err := cfg.Validate(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v; want %s", err, want)
		}
	}
	o := good
	if err := (&dashboard.Config{UserFile: "users.yaml", OIDC: &o}).Validate(); err != nil {
		t.Error(err)
	}
}
