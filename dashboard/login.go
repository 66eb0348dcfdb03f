package dashboard

import (
	"context"
	"errors"
	"fmt"
	"math"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/drayhorse/drayhorse"
	"github.com/drayhorse/drayhorse/internal/access"
	"github.com/drayhorse/drayhorse/internal/figures"
	"github.com/drayhorse/drayhorse/internal/password"
	"github.com/drayhorse/drayhorse/internal/websessions"
)

// hashesAtOnce is how many passwords are compared at once: each takes 19 MiB.
const hashesAtOnce = 2

// maxNext is how many bytes of parameters a login leads back to.
const maxNext = 1 << 10

// tokenLength is that of the value of a session's cookie.
const tokenLength = 43

// isSecure reports whether a browser comes by https.
func (q *request) isSecure() bool { return q.d.cfg.HTTPS || q.r.TLS != nil }

// cookieName has a prefix, where browsers obey it, by which no other host can set it.
func (q *request) cookieName() string {
	if q.isSecure() {
		return "__Host-drayhorse"
	}
	return "drayhorse"
}

// cookie gives the token of the request, "" if it has none, or several.
func (q *request) cookie() string {
	all := q.r.CookiesNamed(q.cookieName())
	if len(all) != 1 || len(all[0].Value) != tokenLength {
		return ""
	}
	return all[0].Value
}

// setCookie gives the browser a token; "" takes it away. The cookie goes when the browser ends,
// and the session when Redis says so.
func (q *request) setCookie(token string) {
	age := 0
	if token == "" {
		age = -1
	}
	q.giveCookie(q.cookieName(), token, age)
}

// giveCookie gives the browser a cookie for so many seconds: 0 until it ends, and less takes it away.
func (q *request) giveCookie(name, value string, age int) {
	http.SetCookie(q.w, &http.Cookie{ //nolint:gosec // Secure where the browser came by https
		Name: name, Value: value, Path: "/", MaxAge: age, HttpOnly: true, Secure: q.isSecure(), SameSite: http.SameSiteLaxMode,
	})
}

// loginPage asks for a name and a password.
type loginPage struct {
	Name, Next, Wrong string
	MaxPassword       int
	Passwords         bool   // some user has one
	Provider, ToIt    string // of OpenID Connect, and where a login there begins; "": there is none
}

// toLogin leads to the page that asks who comes, and from there back.
func (q *request) toLogin() error {
	if q.r.Method != http.MethodGet && q.r.Method != http.MethodHead {
		return refuse(http.StatusUnauthorized, "You are not logged in, or not any more; nothing was done.")
	}
	next := strings.TrimPrefix(strings.TrimPrefix(q.r.URL.Path, q.d.cfg.Prefix), "/")
	if q.r.URL.RawQuery != "" && len(q.r.URL.RawQuery) < maxNext {
		next += "?" + q.r.URL.RawQuery
	}
	return q.redirect(link("login", "next", next))
}

// nextPage is where a login leads: a page of the table, "./" where next is none.
func (d *dashboard) nextPage(next string) string {
	name, query, _ := strings.Cut(next, "?")
	route, ok := d.table["/"+name][http.MethodGet]
	values, err := url.ParseQuery(query)
	if !ok || err != nil || name == "" || route.needs == access.Anyone {
		return "./"
	}
	if len(values) == 0 {
		return name
	}
	return name + "?" + values.Encode()
}

func showLogin(q *request) error {
	if q.user.May(access.Known) {
		return q.redirect(q.d.nextPage(q.value("next")))
	}
	return q.askLogin(http.StatusOK, "")
}

func (q *request) askLogin(status int, wrong string) error {
	p := loginPage{Name: q.value("name"), Next: q.value("next"), Wrong: wrong, MaxPassword: password.MaxLength, Passwords: q.d.users.Passwords()}
	if q.d.provider != nil {
		p.Provider, p.ToIt = q.d.provider.Name(), link("oidc", "next", p.Next)
	}
	return q.showAs(status, "login", "Log in", p)
}

// askLater asks for a login once more, after a time in which none is tried.
func (q *request) askLater(wait time.Duration) error {
	q.w.Header().Set("Retry-After", strconv.Itoa(int(math.Ceil(wait.Seconds()))))
	return q.askLogin(http.StatusTooManyRequests, fmt.Sprintf("Too many logins failed. Try again in %s.", figures.Rough(wait.Truncate(time.Second)+time.Second)))
}

// logIn compares a password, and begins a session: a new one, whatever cookie the browser came
// with.
func logIn(q *request) error {
	ctx, name := q.r.Context(), q.value("name")
	from := networkOf(q.d.proxies.clientOf(q.r))
	wait, err := q.d.sessions.Attempt(ctx, name, from)
	if err != nil {
		return err
	}
	if wait > 0 {
		_ = q.audit(deed{action: "login", on: q.d.knownName(name), result: "too many failed; wait " + wait.String(), refused: true})
		return q.askLater(wait)
	}
	entry, err := q.compare(ctx, name)
	if err != nil {
		return err
	}
	if entry == nil {
		_ = q.audit(deed{action: "login", on: q.d.knownName(name), result: "name or password is wrong", refused: true})
		return q.askLogin(http.StatusUnauthorized, "Name or password is wrong.")
	}
	if err := q.d.sessions.Forgive(ctx, name, from); err != nil {
		return err
	}
	return q.beginSession(entry, "", q.value("next"))
}

// beginSession begins one of a user whom somebody has vouched for, and ends that which the browser came with. on is who
// did, where that is not this program.
func (q *request) beginSession(entry *access.Entry, on, next string) (err error) {
	ctx := q.r.Context()
	if old := q.cookie(); old != "" {
		if err := q.d.sessions.End(ctx, old); err != nil {
			return err
		}
	}
	if q.token, err = q.d.sessions.Begin(ctx, entry.Name, entry.Stamp); err != nil {
		return err
	}
	q.user = &entry.User
	_ = q.audit(deed{action: "login", on: on, result: resultDone})
	q.setCookie(q.token)
	return q.redirect(q.d.nextPage(next))
}

// knownName is what the audit has of a name that was typed: one that nobody has may be a password
// in the wrong field.
func (d *dashboard) knownName(name string) string {
	if d.users.Find(name) == nil {
		return "(no user's name)"
	}
	return name
}

// compare gives the user whose password was typed, nil if it is nobody's. To find nobody takes
// as long.
func (q *request) compare(ctx context.Context, name string) (*access.Entry, error) {
	entry := q.d.users.Find(name)
	var hash *password.Hash
	if entry != nil {
		hash = entry.Password
	}
	ok, err := q.d.passwords.Matches(ctx, hash, q.value("password"))
	if errors.Is(err, drayhorse.ErrBusy) {
		q.w.Header().Set("Retry-After", "5")
		return nil, refuse(http.StatusServiceUnavailable, "Too many log in at the moment; try again soon.")
	}
	if err != nil || !ok {
		return nil, err
	}
	return entry, nil
}

// logOut ends the session, or all that the user has.
func logOut(q *request) error {
	if q.token == "" {
		return refuse(http.StatusNotFound, "There is no login here to leave.")
	}
	var err error
	act := "logout"
	if q.value("everywhere") != "" {
		act = "logout-everywhere"
		err = q.d.sessions.EndAll(q.r.Context(), q.user.Name)
	} else {
		err = q.d.sessions.End(q.r.Context(), q.token)
	}
	if err != nil {
		return err
	}
	_ = q.audit(deed{action: act, result: resultDone})
	q.setCookie("")
	return q.redirect("login")
}

// sessionMark is what the audit has of a session: enough to tell it from others.
func (q *request) sessionMark() string {
	if q.token == "" {
		return ""
	}
	return websessions.ID(q.token)[:12]
}
