package dashboard

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/drayhorse/drayhorse"
	"github.com/drayhorse/drayhorse/admin"
	"github.com/drayhorse/drayhorse/internal/access"
	"github.com/drayhorse/drayhorse/internal/board"
	"github.com/drayhorse/drayhorse/internal/logs"
	"github.com/drayhorse/drayhorse/internal/printable"
)

// Limits of what a request may say.
const (
	maxQuery = 8 << 10   // bytes
	maxForm  = 128 << 10 // bytes
	maxValue = 4 << 10   // bytes of a parameter
	maxArgs  = 100 << 10 // bytes of arguments on a form
	maxMany  = 200       // of one that may come several times
)

// request is one request with its answer.
type request struct {
	d      *dashboard
	r      *http.Request
	w      http.ResponseWriter
	values url.Values
	user   *access.User // nil: nobody who is known
	token  string       // of the user's session; "": there is none
	gate   *gate
}

// enter makes the gate of the request's user.
func (q *request) enter() {
	if q.user != nil {
		q.gate = &gate{admin: q.d.admin.As(q.user.Name), board: q.d.board, histories: &q.d.histories, feed: &q.d.feed, user: q.user, masks: q.d.masks}
	}
}

// may reports whether the user has a right here.
func (q *request) may(r access.Right) bool {
	changes := r == access.Steer || r == access.Delete || r == access.Declare || r == access.Bulk
	return (!changes || !q.d.cfg.ReadOnly) && q.user.May(r)
}

// mayUse refuses a route that is not the user's.
func (q *request) mayUse(r route) error {
	switch {
	case !q.may(r.needs) && r.needs == access.Steer:
		return refuse(http.StatusForbidden, "You may look, and change nothing.")
	case !q.may(r.needs):
		return refuse(http.StatusForbidden, "Your role does not allow this.")
	case r.whole && !q.user.SeesAll():
		return refuse(http.StatusForbidden, "This is for those whose scope is all jobs.")
	}
	return nil
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
		case !slices.Contains(route.params, name) && route.others:
		case !slices.Contains(route.params, name):
			return refuse(http.StatusBadRequest, "Parameter %q is not known; want %s.", clip(name), strings.Join(route.params, ", "))
		case len(values) > 1 && !many[name], len(values) > maxMany:
			return refuse(http.StatusBadRequest, "Parameter %q comes %d times; want it once, or %d times at most where several may be chosen.", name, len(values), maxMany)
		case slices.ContainsFunc(values, func(v string) bool { return len(v) > mostOf(name) }):
			return refuse(http.StatusBadRequest, "Parameter %q is too long; want at most %d bytes.", name, mostOf(name))
		}
	}
	return nil
}

// mostOf is how many bytes a parameter may have.
func mostOf(name string) int {
	if name == "args" {
		return maxArgs
	}
	return maxValue
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

// moment gives a parameter that is a time; the zero time where it is not given.
func (q *request) moment(name string) (time.Time, error) {
	text := strings.TrimSpace(q.value(name))
	if text == "" {
		return time.Time{}, nil
	}
	t, err := time.Parse(time.RFC3339, text)
	if err != nil {
		return t, fmt.Errorf("%w: %s %q; want a time such as 2030-01-02T15:04:05Z", drayhorse.ErrInvalid, name, clip(text))
	}
	return t, nil
}

// redirect leads the browser to a page, by a relative address.
func (q *request) redirect(to string) error {
	q.w.Header().Set("Location", to)
	q.w.WriteHeader(http.StatusSeeOther)
	return nil
}

// refusal is an answer that a person reads.
type refusal struct {
	status int
	text   string
	cause  error // for the log; nil: the text says it
}

func (r *refusal) Error() string {
	if r.cause != nil {
		return r.text + " " + r.cause.Error()
	}
	return r.text
}

func refuse(status int, format string, args ...any) error {
	return &refusal{status: status, text: fmt.Sprintf(format, args...)}
}

// fail answers with what went wrong: what a person can mend in words, and nothing of
// addresses and stacks. The log has the rest.
func (q *request) fail(err error) {
	r := refusalOf(err)
	where := q.r.Method + " " + clip(q.r.URL.Path)
	switch {
	case r.status == http.StatusForbidden:
		_ = q.audit(deed{action: where, result: err.Error(), refused: true})
	case r.status >= http.StatusInternalServerError:
		q.d.log.ErrorContext(q.r.Context(), "request failed", slog.String("route", where), slog.Int("code", r.status), slog.String(logs.Error, err.Error()))
	default:
		q.d.log.DebugContext(q.r.Context(), "request refused", slog.String("route", where), slog.Int("code", r.status), slog.String(logs.Error, err.Error()))
	}
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
	case errors.Is(err, drayhorse.ErrEnded), errors.Is(err, drayhorse.ErrFlowEnded), errors.Is(err, drayhorse.ErrSignalled), errors.Is(err, drayhorse.ErrSignalLate), errors.Is(err, drayhorse.ErrRunning), errors.Is(err, drayhorse.ErrNotEmpty), errors.Is(err, drayhorse.ErrDuplicate), errors.Is(err, drayhorse.ErrBusy):
		return &refusal{status: http.StatusConflict, text: sentence(err)}
	case errors.Is(err, drayhorse.ErrNotFound):
		return &refusal{status: http.StatusNotFound, text: sentence(err)}
	case errors.Is(err, drayhorse.ErrInvalid):
		return &refusal{status: http.StatusBadRequest, text: sentence(err)}
	case errors.Is(err, drayhorse.ErrUnavailable):
		return &refusal{status: http.StatusServiceUnavailable, text: "Redis does not answer at the moment. This page works again as soon as it does."}
	case errors.Is(err, drayhorse.ErrRefused):
		return &refusal{status: http.StatusServiceUnavailable, text: "Redis refuses this program's user, or one of its commands; the log says which."}
	}
	return &refusal{status: http.StatusInternalServerError, text: "The log of this program says why."}
}

// sentence makes a sentence of an error.
func sentence(err error) string {
	text := err.Error()
	return strings.ToUpper(text[:1]) + text[1:] + "."
}

// clip keeps a text readable whatever was sent.
func clip(s string) string { return printable.Clip(s, 100) }

// queue gives one of the queues, as it was read, or reads it.
func (q *request) queue(r *board.Reading, name string) (*admin.Queue, error) {
	return q.gate.queue(q.r.Context(), r, name)
}

// board gives what is read for all, as far as the user sees it.
func (q *request) board() (*board.Reading, error) { return q.gate.read(q.r.Context()) }
