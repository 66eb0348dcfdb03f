package dashboard

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/drayhorse/drayhorse"
	"github.com/drayhorse/drayhorse/admin"
	"github.com/drayhorse/drayhorse/internal/access"
	"github.com/drayhorse/drayhorse/internal/board"
	"github.com/drayhorse/drayhorse/internal/logs"
	"github.com/drayhorse/drayhorse/internal/password"
	redisconn "github.com/drayhorse/drayhorse/internal/redis"
	"github.com/drayhorse/drayhorse/internal/websessions"
)

const (
	patience     = 10 * time.Second // of a request
	maxRequests  = 64               // under way at once
	maxStrangers = 32               // beside them
)

// dashboard is the handler. Nothing runs while no request does, but for actions that were begun
// here and have not ended, and a look at the file of users, if there is one.
type dashboard struct {
	cfg       Config
	admin     *admin.Admin
	log       *slog.Logger
	table     map[string]map[string]route // by path, then method
	origins   *http.CrossOriginProtection
	pages     pages
	board     *board.Board
	histories histories
	feed      feed
	slots     chan struct{}
	// strangers are the slots of what nobody has to log in for, so that they keep none from
	// those who have.
	strangers chan struct{}
	close     func() error
	runner    runner

	masks     masks
	proxies   proxies
	users     *access.File       // nil: there is none
	provider  *provider          // of OpenID Connect; nil: there is none
	sessions  *websessions.Store // nil: nobody logs in here
	passwords *password.Checker
	refusals  refusals
}

// New makes the handler. It does not connect. The handler is an io.Closer: Close leaves actions
// that were begun where they stand, stops looking at UserFile, and ends the connections that it
// has made. The error is drayhorse.ErrInvalid.
func New(cfg Config) (http.Handler, error) {
	d, err := newDashboard(cfg, nil)
	if err != nil {
		return nil, err
	}
	return d, nil
}

// newDashboard makes the handler, whose sessions go by a clock; nil is Redis's.
func newDashboard(cfg Config, clock func() time.Time) (_ *dashboard, err error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	d := &dashboard{
		cfg: cfg, admin: cfg.Admin, log: logs.Or(cfg.Logger), origins: http.NewCrossOriginProtection(),
		slots: make(chan struct{}, maxRequests), strangers: make(chan struct{}, maxStrangers), masks: newMasks(cfg.Mask), passwords: password.NewChecker(hashesAtOnce),
		refusals: newRefusals(), histories: histories{known: map[string]*pastReading{}},
	}
	var closes []func() error
	d.close = func() (err error) {
		for _, c := range slices.Backward(closes) {
			err = errors.Join(err, c())
		}
		return err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, d.close())
		}
	}()
	for _, text := range cfg.Proxies {
		p, _ := parseProxy(text) // it was read before
		d.proxies = append(d.proxies, p)
	}
	if d.admin == nil {
		if d.admin, err = admin.New(admin.Config{RedisURL: cfg.RedisURL, Redis: cfg.Redis, Namespace: cfg.Namespace}); err != nil {
			return nil, err
		}
		closes = append(closes, d.admin.Close)
	}
	if cfg.UserFile != "" {
		closeUsers, err := d.openUsers(clock)
		if err != nil {
			return nil, err
		}
		closes = append(closes, closeUsers)
	}
	d.board = board.New(d.admin, board.Config{Every: time.Second, Step: rateStep, Steps: rateSteps})
	if d.pages, err = parsePages(); err != nil {
		return nil, err
	}
	if err = d.makeTable(); err != nil {
		return nil, err
	}
	return d, nil
}

// openUsers reads the file of users, and watches it until it is closed.
func (d *dashboard) openUsers(clock func() time.Time) (func() error, error) {
	var err error
	if d.users, err = access.OpenFile(d.cfg.UserFile, d.cfg.Logger); err != nil {
		return nil, err
	}
	closeRedis := func() error { return nil }
	switch {
	case d.cfg.OIDC != nil:
		d.provider = newProvider(*d.cfg.OIDC)
	case d.users.HasGroups():
		return nil, fmt.Errorf("%w: user_file %q has groups, and no provider of OpenID Connect says who is in them; want users alone", drayhorse.ErrInvalid, d.cfg.UserFile)
	}
	if d.cfg.UserHeader == "" {
		if name := d.users.WithoutPassword(); name != "" && d.provider == nil {
			return nil, fmt.Errorf("%w: user_file %q: user %q has no password; want what drayhorse ui password prints", drayhorse.ErrInvalid, d.cfg.UserFile, name)
		}
		client, err := redisconn.Open(redisconn.Config{URL: d.cfg.RedisURL, Client: d.cfg.Redis})
		if err != nil {
			return nil, err
		}
		d.sessions, closeRedis = websessions.New(client, d.admin.Namespace(), clock), client.Close
	}
	ctx, stop := context.WithCancel(context.Background())
	var watch sync.WaitGroup
	watch.Go(func() { d.users.Watch(ctx) })
	return func() error {
		stop()
		watch.Wait()
		return closeRedis()
	}, nil
}

// makeTable makes the table of routes. A route without a right is a mistake of the program.
func (d *dashboard) makeTable() error {
	d.table = map[string]map[string]route{}
	for _, r := range d.routes() {
		if r.needs == access.Nobody {
			return fmt.Errorf("route %s %s has no right", r.method, r.path)
		}
		if r.changes && d.cfg.ReadOnly {
			continue
		}
		if d.table[r.path] == nil {
			d.table[r.path] = map[string]route{}
		}
		d.table[r.path][r.method] = r
	}
	return nil
}

// Close leaves the actions that it runs where they stand, for others to go on with, and ends
// the connections that the dashboard has made.
func (d *dashboard) Close() error {
	d.runner.close()
	return d.close()
}

// ServeHTTP answers a request.
func (d *dashboard) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	for name, value := range headers {
		w.Header().Set(name, value)
	}
	ctx, cancel := context.WithTimeout(r.Context(), patience)
	defer cancel()
	q := &request{d: d, w: w, r: r.WithContext(ctx)}
	if q.isSecure() {
		w.Header().Set("Strict-Transport-Security", "max-age=31536000")
	}
	if err := d.serve(q); err != nil {
		q.fail(err)
	}
}

// serve is what every request passes; see the package comment.
func (d *dashboard) serve(q *request) error {
	if !d.cfg.knows(q.r.Host) {
		return refuse(http.StatusForbidden, "This server does not go by the name %q. Names that it may go by are set by --host of drayhorse ui, and Hosts of dashboard.Config.", clip(q.r.Host))
	}
	path, ok := strings.CutPrefix(q.r.URL.Path, d.cfg.Prefix)
	if ok && path == "" { // relative links need the slash
		return q.redirect(d.cfg.Prefix[strings.LastIndexByte(d.cfg.Prefix, '/')+1:] + "/")
	}
	methods := d.table[path]
	if !ok || methods == nil {
		return refuse(http.StatusNotFound, "There is no page %q.", clip(q.r.URL.Path))
	}
	route, ok := methods[strings.Replace(q.r.Method, http.MethodHead, http.MethodGet, 1)]
	if !ok {
		q.w.Header().Set("Allow", allowed(methods))
		return refuse(http.StatusMethodNotAllowed, "%s is not for this page; want %s.", clip(q.r.Method), allowed(methods))
	}
	if err := d.mayCome(q.r); err != nil {
		return err
	}
	var err error
	if q.user, err = q.identify(); err != nil {
		return err
	}
	q.enter()
	if q.user == nil && route.needs != access.Anyone {
		return q.toLogin()
	}
	if err := q.mayUse(route); err != nil {
		return err
	}
	if err := q.read(route); err != nil {
		return err
	}
	slots := d.slots
	if route.needs == access.Anyone {
		slots = d.strangers
	}
	select {
	case slots <- struct{}{}:
		defer func() { <-slots }()
	default:
		q.w.Header().Set("Retry-After", "1")
		return refuse(http.StatusServiceUnavailable, "Too many requests are under way; try again in a moment.")
	}
	return route.serve(q)
}

// mayCome refuses changes that another site has a browser ask for. Where somebody is asked who
// he is, a change has to say where it comes from, as every browser does.
func (d *dashboard) mayCome(r *http.Request) error {
	if err := d.origins.Check(r); err != nil {
		return refuse(http.StatusForbidden, "The request comes from another site than this dashboard.")
	}
	if r.Method == http.MethodPost && d.cfg.asks() && r.Header.Get("Sec-Fetch-Site") == "" && r.Header.Get("Origin") == "" {
		return refuse(http.StatusForbidden, "The request does not say where it comes from; want a browser, or the header Origin with this dashboard's own.")
	}
	return nil
}

// headers are on every answer. Pages run no script and no style that is not a file of
// this package, ask nobody else for anything, and are in no frame.
var headers = map[string]string{
	"Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; " +
		"base-uri 'none'; form-action 'self'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'",
	"X-Content-Type-Options":       "nosniff",
	"X-Frame-Options":              "DENY",
	"Referrer-Policy":              "same-origin", // with no-referrer, forms that come by http would have no Origin
	"Cross-Origin-Opener-Policy":   "same-origin",
	"Cross-Origin-Resource-Policy": "same-origin",
	"Permissions-Policy":           "camera=(), geolocation=(), microphone=()",
	"Cache-Control":                "no-store",
}
