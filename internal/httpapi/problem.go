package httpapi

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"net/http"
	"os"
	"strconv"
	"time"

	"github.com/drayhorse/drayhorse"
	"github.com/drayhorse/drayhorse/internal/jobjson"
	redisconn "github.com/drayhorse/drayhorse/internal/redis"
)

// Problem is why a request, or a line of a batch, was refused: a problem document
// of RFC 9457. Nothing of what was refused is stored, but for what the detail of a
// redis-unavailable says.
type Problem struct {
	Type   string `json:"type"`   // a heading of docs/http.md
	Title  string `json:"title"`  // the same for all of a type
	Status int    `json:"status"` // that of the answer
	Detail string `json:"detail"`
	Field  string `json:"field,omitempty"` // of the job, the path, the query or the header; args.user.id for one inside the arguments

	kind       string
	retryAfter time.Duration // when it may be worth another try; 0: never
}

func (p *Problem) Error() string { return p.Detail }

// kind is a sort of problem.
type kind struct {
	name   string
	status int
	title  string
}

// The kinds; each is a heading of docs/http.md.
var (
	badRequest       = kind{"bad-request", http.StatusBadRequest, "The request did not arrive whole"}
	unauthorized     = kind{"unauthorized", http.StatusUnauthorized, "No token, or none that is known"}
	forbidden        = kind{"forbidden", http.StatusForbidden, "The token may not do this"}
	ended            = kind{"ended", http.StatusNotFound, "The job has ended"}
	notFound         = kind{"not-found", http.StatusNotFound, "There is nothing of that name"}
	duplicate        = kind{"duplicate", http.StatusConflict, "A job that counts as the same is there"}
	notEmpty         = kind{"not-empty", http.StatusConflict, "The queue has live jobs"}
	closed           = kind{"closed", http.StatusConflict, "The batch takes no more members"}
	signalled        = kind{"signalled", http.StatusConflict, "The job has had that signal"}
	signalLate       = kind{"signal-late", http.StatusConflict, "The job has stopped waiting for the signal"}
	methodNotAllowed = kind{"method-not-allowed", http.StatusMethodNotAllowed, "The method is not one of this path"}
	tooSlow          = kind{"too-slow", http.StatusRequestTimeout, "The request took too long to arrive"}
	tooLarge         = kind{"too-large", http.StatusRequestEntityTooLarge, "The job is too large"}
	unsupportedType  = kind{"unsupported-type", http.StatusUnsupportedMediaType, "The body is of another type"}
	invalid          = kind{"invalid", http.StatusUnprocessableEntity, "A value is impossible"}
	tooManyQueues    = kind{"too-many-queues", http.StatusUnprocessableEntity, "There are as many queues as there may be"}
	rateLimited      = kind{"rate-limited", http.StatusTooManyRequests, "The token does this too often"}
	tokenBusy        = kind{"token-busy", http.StatusTooManyRequests, "The token has too much at work"}
	queueFull        = kind{"queue-full", http.StatusTooManyRequests, "The queue is full"}
	internal         = kind{"internal", http.StatusInternalServerError, "The server failed"}
	busy             = kind{"busy", http.StatusServiceUnavailable, "The server has too much to do"}
	redisUnavailable = kind{"redis-unavailable", http.StatusServiceUnavailable, "Redis cannot be reached"}
)

// docs is where the kinds are explained.
const docs = "https://github.com/drayhorse/drayhorse/blob/main/docs/http.md#"

// in makes a problem with a field, or with none for "".
func (k kind) in(field, format string, args ...any) *Problem {
	return &Problem{kind: k.name, Type: docs + k.name, Title: k.title, Status: k.status, Field: field, Detail: fmt.Sprintf(format, args...)}
}

// later makes a problem that time may mend.
func (k kind) later(after time.Duration, field, format string, args ...any) *Problem {
	p := k.in(field, format, args...)
	p.retryAfter = after
	return p
}

// outagePause is when those who found Redis away are told to come back.
const outagePause = 2 * time.Second

// fullPause is when those whose queue was full are told to come back.
const fullPause = 5 * time.Second

// problemOf says what an error means to a client. What it may not know is left to
// the log.
func problemOf(err error) *Problem {
	if p, ok := errors.AsType[*Problem](err); ok {
		return p
	}
	field := ""
	if e, ok := errors.AsType[*jobjson.Error](err); ok {
		field = e.Field
	}
	switch {
	case errors.Is(err, drayhorse.ErrArgsTooLarge):
		return tooLarge.in(field, "%v", err)
	case errors.Is(err, drayhorse.ErrInvalid):
		return invalid.in(field, "%v", err)
	case errors.Is(err, drayhorse.ErrDuplicate):
		return duplicate.in("unique", "%v", err)
	case errors.Is(err, drayhorse.ErrEnded):
		return ended.in("id", "the job has ended; there is nothing to cancel")
	case errors.Is(err, drayhorse.ErrNotFound):
		return notFound.in("id", "no job has that id")
	case errors.Is(err, drayhorse.ErrQueueFull):
		return queueFull.later(fullPause, "queue", "%v; nothing was stored", err)
	case errors.Is(err, drayhorse.ErrBusy):
		return busy.later(time.Second, "", "%v", err)
	case errors.Is(err, drayhorse.ErrFull):
		return redisUnavailable.later(outagePause, "", "Redis is out of memory; nothing was stored")
	case errors.Is(err, redisconn.ErrServer):
		return redisUnavailable.later(outagePause, "", "Redis cannot hold jobs as it is set up; nothing was stored, and the server's log says why")
	case errors.Is(err, drayhorse.ErrUnavailable):
		return redisUnavailable.later(outagePause, "", "Redis does not answer; what was asked may have happened or not: ask again, and give a job the same id")
	case errors.Is(err, drayhorse.ErrClosed), errors.Is(err, errStopping):
		return busy.later(time.Second, "", "the server stops; nothing of this was stored")
	case errors.Is(err, os.ErrDeadlineExceeded):
		return tooSlow.in("", "it did not arrive in time")
	}
	return internal.in("", "the server's log says why")
}

// write answers with the problem.
func (p *Problem) write(w http.ResponseWriter) {
	h := w.Header()
	h.Set("Content-Type", "application/problem+json")
	if p.Status == http.StatusUnauthorized {
		h.Set("WWW-Authenticate", "Bearer")
	}
	if p.retryAfter > 0 {
		h.Set("Retry-After", strconv.Itoa(int(math.Ceil(p.retryAfter.Seconds()))))
	}
	w.WriteHeader(p.Status)
	_ = json.NewEncoder(w).Encode(p) // a client that is gone needs no answer
}
