package httpapi

import (
	"log/slog"
	"net/http"
	"strings"
	"time"
	"unicode"

	"github.com/drayhorse/drayhorse/internal/logs"
	"github.com/drayhorse/drayhorse/internal/printable"
)

// Routes, as net/http writes them; also labels of metrics.
const (
	routeEnqueue    = "POST /v1/jobs"
	routeBatch      = "POST /v1/jobs/batch"
	routeGet        = "GET /v1/jobs/{id}"
	routeLogs       = "GET /v1/jobs/{id}/logs"
	routeStream     = "GET /v1/jobs/{id}/streams/{name}"
	routeSteps      = "GET /v1/jobs/{id}/steps"
	routeSignal     = "POST /v1/jobs/{id}/signals/{name}"
	routeCancel     = "DELETE /v1/jobs/{id}"
	routeFlowSubmit = "POST /v1/flows"
	routeFlowAdd    = "POST /v1/flows/{id}/members"
	routeFlow       = "GET /v1/flows/{id}"
	routeFlowResult = "GET /v1/flows/{id}/steps/{name}/result"
	routeFlowCancel = "DELETE /v1/flows/{id}"
	routeFlowSignal = "POST /v1/flows/{id}/signals/{name}"
	routeSeries     = "GET /v1/series"
	routeEvents     = "GET /v1/events"
	routeDelete     = "DELETE /v1/queues/{name}"
	routeOpenAPI    = "GET /openapi.yaml"
)

// handler answers a request; an error is answered with its problem.
type handler func(w http.ResponseWriter, r *http.Request) error

func (s *Server) routes() {
	handle := func(pattern string, h handler) {
		s.mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) {
			if err := h(w, r); err != nil {
				waitShortlyForBody(w, r)
				s.problem(r, err).write(w)
			}
		})
	}
	handle(routeEnqueue, s.called(actEnqueue, nil, s.enqueue))
	handle(routeBatch, s.called(actBatch, []string{"results"}, s.batch))
	handle(routeGet, s.called(actRead, []string{"queue", "wait"}, s.get))
	handle(routeLogs, s.called(actRead, []string{"queue"}, s.logs))
	handle(routeStream, s.called(actRead, []string{"queue", "offset"}, s.streams))
	handle(routeSteps, s.called(actRead, []string{"queue"}, s.steps))
	handle(routeSignal, s.called(actSignal, []string{"queue"}, s.signal))
	handle(routeFlowSubmit, s.called(actSubmit, nil, s.submit))
	handle(routeFlowAdd, s.called(actAdd, nil, s.addMembers))
	handle(routeFlow, s.called(actRead, nil, s.flow))
	handle(routeFlowResult, s.called(actRead, nil, s.flowResult))
	handle(routeFlowCancel, s.called(actCancel, nil, s.cancelFlow))
	handle(routeFlowSignal, s.called(actSignal, nil, s.signalFlow))
	handle(routeSeries, s.called(actRead, []string{"queue", "kind", "from", "to", "step"}, s.series))
	handle(routeEvents, s.called(actRead, []string{"queue", "kind", "type", "where", "after"}, s.events))
	handle(routeCancel, s.called(actCancel, []string{"queue"}, s.cancel))
	handle(routeDelete, s.called(actDelete, []string{"force"}, s.deleteQueue))
	handle(routeOpenAPI, serveOpenAPI)
	handle("/v1/jobs", allow("POST"))
	handle("/v1/jobs/{id}", allow("DELETE, GET, HEAD"))
	handle("/v1/jobs/{id}/logs", allow("GET, HEAD"))
	handle("/v1/jobs/{id}/streams/{name}", allow("GET, HEAD"))
	handle("/v1/jobs/{id}/steps", allow("GET, HEAD"))
	handle("/v1/jobs/{id}/signals/{name}", allow("POST"))
	handle("/v1/flows", allow("POST"))
	handle("/v1/flows/{id}", allow("DELETE, GET, HEAD"))
	handle("/v1/flows/{id}/members", allow("POST"))
	handle("/v1/flows/{id}/steps/{name}/result", allow("GET, HEAD"))
	handle("/v1/flows/{id}/signals/{name}", allow("POST"))
	handle("/v1/series", allow("GET, HEAD"))
	handle("/v1/events", allow("GET, HEAD"))
	handle("/v1/queues/{name}", allow("DELETE"))
	handle("/openapi.yaml", allow("GET, HEAD"))
	handle("/", func(_ http.ResponseWriter, r *http.Request) error {
		return notFound.in("", "there is no %q here; see /openapi.yaml", clip(r.URL.Path))
	})
}

// bodyGrace is how long the rest of a body may take whose request is refused.
const bodyGrace = 100 * time.Millisecond

// waitShortlyForBody is called before a refusal: net/http reads what is left of the body
// before it sends the answer, so that the connection can serve the next request, and
// would wait for a body that does not come as long as for any. HTTP/2 does not wait.
func waitShortlyForBody(w http.ResponseWriter, r *http.Request) {
	if r.ProtoMajor == 1 && r.ContentLength != 0 {
		_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(bodyGrace)) // a connection without deadlines has nobody who is slow
	}
}

// allow answers the methods that a path does not have.
func allow(methods string) handler {
	return func(w http.ResponseWriter, r *http.Request) error {
		all := methods
		if r.PathValue("id") == "batch" { // also the path of a route
			all += ", POST"
		}
		w.Header().Set("Allow", all)
		return methodNotAllowed.in("", "%s; want %s", clip(r.Method), all)
	}
}

// ServeHTTP answers a request, counts it and logs it.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	began := time.Now()
	answer := &response{ResponseWriter: w, code: http.StatusOK}
	defer func() {
		took := time.Since(began)
		s.metrics.served(r.Pattern, answer.code, took)
		s.log.DebugContext(r.Context(), "request served", slog.String("route", r.Pattern),
			slog.Int("code", answer.code), slog.Duration(logs.Elapsed, took))
	}()
	s.mux.ServeHTTP(answer, r)
}

// problem says what an error means to the client of a request. One that is the
// server's own goes to the log.
func (s *Server) problem(r *http.Request, err error) *Problem {
	p := problemOf(err)
	if p.Status == http.StatusInternalServerError {
		s.log.ErrorContext(r.Context(), "request failed", slog.String("route", r.Pattern), slog.String(logs.Error, err.Error()))
	}
	return p
}

// response remembers the status of an answer.
type response struct {
	http.ResponseWriter

	code int
}

func (r *response) WriteHeader(code int) {
	r.code = code
	r.ResponseWriter.WriteHeader(code)
}

// Unwrap is for http.ResponseController.
func (r *response) Unwrap() http.ResponseWriter { return r.ResponseWriter }

// isPrintable reports whether a text shows as it is, in a log or on a terminal.
func isPrintable(s string) bool {
	return !strings.ContainsFunc(s, func(r rune) bool { return !unicode.IsPrint(r) })
}

// clip keeps a detail readable whatever was sent.
func clip(s string) string { return printable.Clip(s, 100) }
