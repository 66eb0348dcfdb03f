package dashboard

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"github.com/drayhorse/drayhorse/admin"
	"github.com/drayhorse/drayhorse/internal/logs"
)

const (
	patience    = 10 * time.Second // of a request
	maxRequests = 64               // under way at once
)

// dashboard is the handler. Nothing runs while no request does, but for actions that were begun
// here and have not ended.
type dashboard struct {
	cfg     Config
	admin   *admin.Admin
	log     *slog.Logger
	table   map[string]map[string]route // by path, then method
	origins *http.CrossOriginProtection
	pages   pages
	board   *board
	slots   chan struct{}
	close   func() error
	runner  runner
}

// New makes the handler. It does not connect. The handler is an io.Closer: Close leaves actions
// that were begun where they stand, and ends the connections that it has made, if no Admin was
// given. The error is drayhorse.ErrInvalid.
func New(cfg Config) (http.Handler, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	d := &dashboard{
		cfg: cfg, admin: cfg.Admin, log: logs.Or(cfg.Logger), origins: http.NewCrossOriginProtection(),
		slots: make(chan struct{}, maxRequests), close: func() error { return nil },
	}
	if d.admin == nil {
		own, err := admin.New(admin.Config{RedisURL: cfg.RedisURL, Redis: cfg.Redis, Namespace: cfg.Namespace})
		if err != nil {
			return nil, err
		}
		d.admin, d.close = own, own.Close
	}
	d.board = newBoard(d.admin)
	var err error
	if d.pages, err = parsePages(); err != nil {
		return nil, errors.Join(err, d.close())
	}
	d.table = map[string]map[string]route{}
	for _, r := range d.routes() {
		if r.changes && cfg.ReadOnly {
			continue
		}
		if d.table[r.path] == nil {
			d.table[r.path] = map[string]route{}
		}
		d.table[r.path][r.method] = r
	}
	return d, nil
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
	if err := d.origins.Check(q.r); err != nil {
		return refuse(http.StatusForbidden, "The request comes from another site than this dashboard.")
	}
	if err := q.read(route); err != nil {
		return err
	}
	if route.changes && !q.mayChange() {
		return refuse(http.StatusForbidden, "You may look, and change nothing.")
	}
	select {
	case d.slots <- struct{}{}:
		defer func() { <-d.slots }()
	default:
		q.w.Header().Set("Retry-After", "1")
		return refuse(http.StatusServiceUnavailable, "Too many requests are under way; try again in a moment.")
	}
	return route.serve(q)
}

// headers are on every answer. Pages run no script and no style that is not a file of
// this package, ask nobody else for anything, and are in no frame.
var headers = map[string]string{
	"Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; " +
		"base-uri 'none'; form-action 'self'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'",
	"X-Content-Type-Options":       "nosniff",
	"X-Frame-Options":              "DENY",
	"Referrer-Policy":              "no-referrer",
	"Cross-Origin-Opener-Policy":   "same-origin",
	"Cross-Origin-Resource-Policy": "same-origin",
	"Permissions-Policy":           "camera=(), geolocation=(), microphone=()",
	"Cache-Control":                "no-store",
}
