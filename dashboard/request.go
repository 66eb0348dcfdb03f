package dashboard

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"mime"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/drayhorse/drayhorse"
	"github.com/drayhorse/drayhorse/internal/logs"
	"github.com/drayhorse/drayhorse/internal/printable"
)

// Limits of what a request may say.
const (
	maxQuery = 8 << 10   // bytes
	maxForm  = 128 << 10 // bytes
	maxValue = 4 << 10   // bytes of a parameter
	maxMany  = 200       // of one that may come several times
)

// request is one request with its answer.
type request struct {
	d      *dashboard
	r      *http.Request
	w      http.ResponseWriter
	values url.Values
}

// read reads the parameters, and refuses those that the route does not take.
func (q *request) read(route route) error {
	text := q.r.URL.RawQuery
	if q.r.Method == http.MethodPost {
		if text != "" {
			return refuse(http.StatusBadRequest, "A change takes its parameters from the form, not from the address.")
		}
		kind, _, err := mime.ParseMediaType(q.r.Header.Get("Content-Type"))
		if err != nil || kind != "application/x-www-form-urlencoded" {
			return refuse(http.StatusUnsupportedMediaType, "The form is of type %q; want application/x-www-form-urlencoded.", clip(q.r.Header.Get("Content-Type")))
		}
		body, err := io.ReadAll(http.MaxBytesReader(q.w, q.r.Body, maxForm))
		if _, large := errors.AsType[*http.MaxBytesError](err); large {
			return refuse(http.StatusRequestEntityTooLarge, "The form is too large; want at most %d bytes.", maxForm)
		} else if err != nil {
			return refuse(http.StatusBadRequest, "The form did not arrive.")
		}
		text = string(body)
	} else if len(text) > maxQuery {
		return refuse(http.StatusRequestURITooLong, "The address is too long; want at most %d bytes of parameters.", maxQuery)
	}
	var err error
	if q.values, err = url.ParseQuery(text); err != nil {
		return refuse(http.StatusBadRequest, "The parameters cannot be read.")
	}
	for name, values := range q.values {
		switch {
		case !slices.Contains(route.params, name):
			return refuse(http.StatusBadRequest, "Parameter %q is not known; want %s.", clip(name), strings.Join(route.params, ", "))
		case len(values) > 1 && !many[name], len(values) > maxMany:
			return refuse(http.StatusBadRequest, "Parameter %q comes %d times; want it once, or %d times at most where several may be chosen.", name, len(values), maxMany)
		case slices.ContainsFunc(values, func(v string) bool { return len(v) > maxValue }):
			return refuse(http.StatusBadRequest, "Parameter %q is too long; want at most %d bytes.", name, maxValue)
		}
	}
	return nil
}

// value gives a parameter, "" where it is not given.
func (q *request) value(name string) string { return q.values.Get(name) }

// number gives a parameter that is a number from 1 to most, and usual where it is not given.
func (q *request) number(name string, usual, most int) (int, error) {
	text := q.value(name)
	if text == "" {
		return usual, nil
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 || n > most {
		return 0, fmt.Errorf("%w: %s %q; want 1 to %d", drayhorse.ErrInvalid, name, clip(text), most)
	}
	return n, nil
}

// mayChange reports whether the request may change something.
func (q *request) mayChange() bool {
	return !q.d.cfg.ReadOnly && (q.d.cfg.MayChange == nil || q.d.cfg.MayChange(q.r))
}

// redirect leads the browser to a page, by a relative address.
func (q *request) redirect(to string) error {
	q.w.Header().Set("Location", to)
	q.w.WriteHeader(http.StatusSeeOther)
	return nil
}

// user says who makes the request, "" where nobody knows.
func (q *request) user() string {
	if q.d.cfg.User == nil {
		return ""
	}
	return q.d.cfg.User(q.r)
}

// about gives what the log says of a request.
func (q *request) about(more ...slog.Attr) []any {
	peer, _, err := net.SplitHostPort(q.r.RemoteAddr)
	if err != nil {
		peer = q.r.RemoteAddr
	}
	all := []any{slog.String("peer", peer)}
	if q.d.cfg.User != nil {
		all = append(all, slog.String("user", q.user()))
	}
	for _, a := range more {
		all = append(all, a)
	}
	return all
}

// refusal is an answer that a person reads.
type refusal struct {
	status int
	text   string
}

func (r *refusal) Error() string { return r.text }

func refuse(status int, format string, args ...any) error {
	return &refusal{status, fmt.Sprintf(format, args...)}
}

// fail answers with what went wrong: what a person can mend in words, and nothing of
// addresses and stacks. The log has the rest.
func (q *request) fail(err error) {
	r := refusalOf(err)
	level := slog.LevelDebug
	switch {
	case r.status == http.StatusForbidden:
		level = slog.LevelInfo
	case r.status >= http.StatusInternalServerError:
		level = slog.LevelError
	}
	q.d.log.Log(q.r.Context(), level, "request refused", q.about(slog.String("route", q.r.Method+" "+clip(q.r.URL.Path)),
		slog.Int("code", r.status), slog.String(logs.Error, err.Error()))...)
	title := map[int]string{
		http.StatusNotFound: "Not found", http.StatusForbidden: "Refused", http.StatusServiceUnavailable: "Not now",
		http.StatusInternalServerError: "That failed", http.StatusConflict: "Not possible now",
	}[r.status]
	if title == "" {
		title = "Refused"
	}
	if err := q.showAs(r.status, "problem", title, r.text); err != nil { // the writer is gone
		q.d.log.DebugContext(q.r.Context(), "answer was not taken", slog.String(logs.Error, err.Error()))
	}
}

func refusalOf(err error) *refusal {
	if r, ok := errors.AsType[*refusal](err); ok {
		return r
	}
	switch {
	case errors.Is(err, drayhorse.ErrEnded), errors.Is(err, drayhorse.ErrRunning), errors.Is(err, drayhorse.ErrNotEmpty), errors.Is(err, drayhorse.ErrDuplicate), errors.Is(err, drayhorse.ErrBusy):
		return &refusal{http.StatusConflict, sentence(err)}
	case errors.Is(err, drayhorse.ErrNotFound):
		return &refusal{http.StatusNotFound, sentence(err)}
	case errors.Is(err, drayhorse.ErrInvalid):
		return &refusal{http.StatusBadRequest, sentence(err)}
	case errors.Is(err, drayhorse.ErrUnavailable):
		return &refusal{http.StatusServiceUnavailable, "Redis does not answer at the moment. This page works again as soon as it does."}
	case errors.Is(err, drayhorse.ErrRefused):
		return &refusal{http.StatusServiceUnavailable, "Redis refuses this program's user, or one of its commands; the log says which."}
	}
	return &refusal{http.StatusInternalServerError, "The log of this program says why."}
}

// sentence makes a sentence of an error.
func sentence(err error) string {
	text := err.Error()
	return strings.ToUpper(text[:1]) + text[1:] + "."
}

// clip keeps a text readable whatever was sent.
func clip(s string) string { return printable.Clip(s, 100) }
