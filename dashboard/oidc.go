package dashboard

import (
	"cmp"
	"context"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"

	"github.com/drayhorse/drayhorse"
	"github.com/drayhorse/drayhorse/internal/access"
	"github.com/drayhorse/drayhorse/internal/logs"
)

// OIDC is a provider of OpenID Connect, at which users log in: Keycloak, Entra ID, Okta, Google
// and others. It says who they are; UserFile says what each may do.
type OIDC struct {
	// Issuer is the provider's address, below which it describes itself, such as
	// https://accounts.example.com/realms/ops.
	Issuer string
	// ClientID and ClientSecret are what the provider knows the dashboard by. Without a secret it is
	// a public client; PKCE is used in any case.
	ClientID, ClientSecret string
	// PublicURL is where browsers find the dashboard, such as https://jobs.example.com/ops; Hosts has
	// to have its name. The provider leads them back to its page oidc-callback, which it has to be told of.
	PublicURL string
	// Claim of the provider's token is the name of the user in UserFile. Empty: email, which
	// the provider has to say is verified.
	Claim string
	// Groups is the claim with the names of the user's groups, which UserFile may have, too. Empty: groups.
	Groups string
	// Scopes are asked for beside openid. nil: email and profile.
	Scopes []string
	// Client makes the requests to the provider. nil: one that waits for at most 5 s, and takes 1 MiB.
	Client *http.Client
}

const (
	claimEmail    = "email"
	claimGroups   = "groups"
	oidcPatience  = 5 * time.Second
	oidcPause     = 2 * time.Second
	handoffFor    = 10 * time.Minute // that a user has to log in at the provider
	maxOIDCAnswer = 1 << 20          // bytes
)

// validate reports the first impossible value, as drayhorse.ErrInvalid.
func (o *OIDC) validate() error {
	if err := validateURL("issuer", o.Issuer, "the address of your provider"); err != nil {
		return err
	}
	if err := validateURL("public_url", o.PublicURL, "the address at which browsers find the dashboard"); err != nil {
		return err
	}
	if o.ClientID == "" {
		return fmt.Errorf("%w: no client ID; want the one that the provider knows the dashboard by", drayhorse.ErrInvalid)
	}
	for _, scope := range o.Scopes {
		if scope == "" || strings.ContainsAny(scope, " \"\\") {
			return fmt.Errorf("%w: scope %q of OpenID Connect; want a name without spaces and quotes", drayhorse.ErrInvalid, clip(scope))
		}
	}
	return nil
}

// validateURL wants https, but to this machine.
func validateURL(name, text, want string) error {
	u, err := url.Parse(text)
	if err != nil || u.Host == "" || u.Scheme != "https" && (u.Scheme != "http" || !isLoopback(u.Hostname())) || u.User != nil || u.RawQuery != "" || u.Fragment != "" {
		return fmt.Errorf("%w: %s %q; want %s, with https, such as https://jobs.example.com", drayhorse.ErrInvalid, name, clip(text), want)
	}
	return nil
}

// provider is the OIDC provider of a dashboard.
type provider struct {
	OIDC

	mu     sync.Mutex
	found  *oidc.Provider // nil: it has not been asked yet, or has not answered
	failed error          // why, the last time
	again  time.Time      // when it may be asked again
}

func newProvider(cfg OIDC) *provider {
	if cfg.Client == nil {
		cfg.Client = &http.Client{Timeout: oidcPatience, Transport: bounded{}}
	}
	cfg.Claim, cfg.Groups = cmp.Or(cfg.Claim, claimEmail), cmp.Or(cfg.Groups, claimGroups)
	if cfg.Scopes == nil {
		cfg.Scopes = []string{"email", "profile"}
	}
	return &provider{OIDC: cfg}
}

// bounded is http.DefaultTransport, which gives so much of an answer.
type bounded struct{}

func (bounded) RoundTrip(r *http.Request) (*http.Response, error) {
	answer, err := http.DefaultTransport.RoundTrip(r)
	if err == nil {
		answer.Body = struct {
			io.Reader
			io.Closer
		}{io.LimitReader(answer.Body, maxOIDCAnswer), answer.Body}
	}
	return answer, err
}

// Name is the provider's, for people.
func (p *provider) Name() string {
	u, _ := url.Parse(p.Issuer) // it was validated
	return u.Host
}

// callback is where the provider leads browsers back to.
func (p *provider) callback() string { return strings.TrimSuffix(p.PublicURL, "/") + "/oidc-callback" }

// ask gives the provider's description, which is asked for until it has answered once: by one at a time, and not for a while
// after it has failed, so that those who wait for a provider that hangs are not in the way of other logins.
func (p *provider) ask(ctx context.Context) (*oidc.Provider, *oauth2.Config, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.found == nil && time.Now().Before(p.again) {
		return nil, nil, p.failed
	}
	if p.found == nil {
		ctx, cancel := context.WithTimeout(oidc.ClientContext(ctx, p.Client), oidcPatience)
		defer cancel()
		found, err := oidc.NewProvider(ctx, p.Issuer)
		if err != nil {
			p.failed, p.again = err, time.Now().Add(oidcPause)
			return nil, nil, err
		}
		p.found = found
	}
	return p.found, &oauth2.Config{
		ClientID: p.ClientID, ClientSecret: p.ClientSecret, Endpoint: p.found.Endpoint(), RedirectURL: p.callback(),
		Scopes: append([]string{oidc.ScopeOpenID}, p.Scopes...),
	}, nil
}

// handoff is a login that has begun here and goes on at the provider. Only the browser that began it has it: as a
// cookie, so that nobody can lead another one into a login of his.
type handoff struct{ state, nonce, verifier, next string }

func (q *request) handoffCookie() string { return q.cookieName() + "-oidc" }

func (q *request) setHandoff(a *handoff, age time.Duration) {
	value := ""
	if a != nil {
		value = strings.Join([]string{a.state, a.nonce, a.verifier, base64.RawURLEncoding.EncodeToString([]byte(a.next))}, ".")
	}
	q.giveCookie(q.handoffCookie(), value, int(age.Seconds()))
}

// takeHandoff gives the login that the browser has begun, which it may try once; nil: none.
func (q *request) takeHandoff() *handoff {
	all := q.r.CookiesNamed(q.handoffCookie())
	if len(all) != 1 {
		return nil
	}
	q.setHandoff(nil, -time.Second)
	parts := strings.Split(all[0].Value, ".")
	if len(parts) != 4 || slices.Contains(parts[:3], "") {
		return nil
	}
	next, err := base64.RawURLEncoding.DecodeString(parts[3])
	if err != nil {
		return nil
	}
	return &handoff{parts[0], parts[1], parts[2], string(next)}
}

// beginOIDC leads to the provider.
func beginOIDC(q *request) error {
	_, oauth, err := q.d.provider.ask(q.r.Context())
	if err != nil {
		return q.noProvider(err)
	}
	a := &handoff{oauth2.GenerateVerifier(), oauth2.GenerateVerifier(), oauth2.GenerateVerifier(), q.value("next")}
	if len(a.next) > maxNext {
		a.next = ""
	}
	q.setHandoff(a, handoffFor)
	return q.redirect(oauth.AuthCodeURL(a.state, oidc.Nonce(a.nonce), oauth2.S256ChallengeOption(a.verifier)))
}

func (q *request) noProvider(err error) error {
	q.d.log.ErrorContext(q.r.Context(), "login provider failed", slog.String("issuer", q.d.provider.Issuer), slog.String(logs.Error, err.Error()))
	return q.askLogin(http.StatusServiceUnavailable, "The login at "+q.d.provider.Name()+" does not work at the moment. Try again soon; the log of this program says why.")
}

// endOIDC is where the provider leads back to.
func endOIDC(q *request) error {
	ctx := q.r.Context()
	from := networkOf(q.d.proxies.clientOf(q.r))
	tries := "@oidc " + from // nobody is kept out by what others try
	wait, err := q.d.sessions.Attempt(ctx, tries, from)
	if err != nil {
		return err
	}
	if wait > 0 {
		return q.askLater(wait)
	}
	a := q.takeHandoff()
	refused := func(status int, result, says string) error {
		_ = q.audit(deed{action: "login", on: q.d.provider.Name(), result: result, refused: true})
		return q.askLogin(status, says)
	}
	switch issuer := q.value("iss"); {
	case a == nil || subtle.ConstantTimeCompare([]byte(a.state), []byte(q.value("state"))) != 1:
		return refused(http.StatusBadRequest, "no such login was begun", "That login was not begun in this browser, or too long ago. Log in again.")
	case issuer != "" && issuer != q.d.provider.Issuer:
		return refused(http.StatusBadRequest, "another issuer answered", "Another provider has answered than was asked. Log in again.")
	case q.value("error") != "":
		return refused(http.StatusForbidden, "refused by the provider: "+clip(q.value("error")), fmt.Sprintf("%s refuses the login: %s %s", q.d.provider.Name(), clip(q.value("error")), clip(q.value("error_description"))))
	}
	who, err := q.d.provider.verify(ctx, q.value("code"), a)
	if err != nil {
		if wrong, ok := errors.AsType[*claimError](err); ok {
			return refused(http.StatusForbidden, wrong.Error(), q.d.provider.Name()+" says too little of you: "+wrong.Error()+".")
		}
		return q.noProvider(err)
	}
	entry := q.d.users.FindOf(who.name, who.groups)
	if entry == nil {
		return refused(http.StatusForbidden, "no role: "+clip(who.name), fmt.Sprintf("User %q has no role here. Ask whoever runs this dashboard for one.", clip(who.name)))
	}
	if err := q.d.sessions.Forgive(ctx, tries, from); err != nil {
		return err
	}
	return q.beginSession(entry, q.d.provider.Name(), a.next)
}

// identity is what the provider says of a user.
type identity struct {
	name   string
	groups []string
}

// claimError is why a token does not say who somebody is.
type claimError struct{ text string }

func (e *claimError) Error() string { return e.text }

// verify exchanges a code for the provider's token, and gives what that says.
func (p *provider) verify(ctx context.Context, code string, a *handoff) (*identity, error) {
	found, oauth, err := p.ask(ctx)
	if err != nil {
		return nil, err
	}
	ctx = oidc.ClientContext(ctx, p.Client)
	token, err := oauth.Exchange(ctx, code, oauth2.VerifierOption(a.verifier))
	if err != nil {
		return nil, err
	}
	raw, ok := token.Extra("id_token").(string)
	if !ok {
		return nil, errors.New("the provider gives no ID token; want the scope openid to be allowed")
	}
	checked, err := found.Verifier(&oidc.Config{ClientID: p.ClientID}).Verify(ctx, raw)
	if err != nil {
		return nil, err
	}
	if subtle.ConstantTimeCompare([]byte(checked.Nonce), []byte(a.nonce)) != 1 {
		return nil, errors.New("the ID token is for another login: its nonce is wrong")
	}
	claims := map[string]any{}
	if err := checked.Claims(&claims); err != nil {
		return nil, err
	}
	return p.identify(claims)
}

// identify reads the claims that are asked for.
func (p *provider) identify(claims map[string]any) (*identity, error) {
	name, ok := claims[p.Claim].(string)
	if !ok || name == "" {
		return nil, &claimError{fmt.Sprintf("the token has no claim %q", p.Claim)}
	}
	if verified, ok := claims["email_verified"].(bool); p.Claim == claimEmail && (!ok || !verified) {
		return nil, &claimError{"the address " + clip(name) + " is not verified"}
	}
	who := &identity{name: name}
	if (&access.User{Name: name, Role: access.Viewer, Scope: []string{"*"}}).Validate() != nil {
		return nil, &claimError{fmt.Sprintf("the claim %q is no name of a user", p.Claim)}
	}
	all, _ := claims[p.Groups].([]any)
	for _, one := range all {
		if group, ok := one.(string); ok {
			who.groups = append(who.groups, group)
		}
	}
	return who, nil
}
