package httpapi

import (
	"log/slog"
	"net"
	"net/http"
	"strings"

	"github.com/drayhorse/drayhorse/internal/logs"
)

// What callers do; also labels of metrics.
const (
	actEnqueue = "enqueue"
	actBatch   = "batch" // a request of many jobs; each of its lines is an enqueue
	actRead    = "read"
	actCancel  = "cancel"
	actSignal  = "signal"
	actSubmit  = "submit" // a flow
	actAdd     = "add"    // to a batch
	actDelete  = "delete_queue"
)

// What became of it, unless it was refused: then it is the kind of the problem.
const (
	outcomeStored    = "stored"
	outcomeDuplicate = "duplicate"
	outcomeCancelled = "cancelled"
	outcomeSignalled = "signalled"
	outcomeDeleted   = "deleted"
)

// auditEntry is what a caller did, or tried to do. It says nothing of arguments.
type auditEntry struct {
	action          string
	outcome         string // "": nothing that anybody has to know
	queue, kind, id string // as far as they are known, and names
	line            int    // of a batch; 0: none
}

// audit counts what a caller did and logs it, a line each. Of a caller's refusals only so many a
// second are logged; the next line says how many were left out.
func (s *Server) audit(r *http.Request, token string, account *account, e auditEntry, refused *Problem) {
	if refused != nil {
		e.outcome = refused.kind
	}
	if e.outcome == "" {
		return
	}
	s.metrics.done(token, e.action, e.outcome)
	level := slog.LevelInfo
	var untold int64
	if refused != nil {
		level = slog.LevelWarn
		if !account.refusals.Allow() {
			account.untold.Add(1)
			return
		}
		untold = account.untold.Swap(0)
	}
	if !s.log.Enabled(r.Context(), level) {
		return
	}
	s.log.LogAttrs(r.Context(), level, "audit", e.attributes(r, token, untold)...)
}

func (e *auditEntry) attributes(r *http.Request, token string, untold int64) []slog.Attr {
	all := []slog.Attr{
		slog.String("token", token), slog.String("peer", peer(r)), slog.String("action", e.action), slog.String("outcome", e.outcome),
	}
	for _, a := range []slog.Attr{
		slog.String("client", forwardedFor(r)), slog.String(logs.Queue, e.queue), slog.String(logs.Kind, e.kind), slog.String(logs.JobID, e.id),
	} {
		if a.Value.String() != "" {
			all = append(all, a)
		}
	}
	if e.line > 0 {
		all = append(all, slog.Int("line", e.line))
	}
	if untold > 0 {
		all = append(all, slog.Int64("untold", untold))
	}
	return all
}

// peer is the other end of the connection of a request.
func peer(r *http.Request) string {
	if isLocal(r) {
		return "unix"
	}
	return r.RemoteAddr
}

// forwardedFor is whom the nearest proxy names as its client, if there is a proxy that
// does, or somebody who says he is one.
func forwardedFor(r *http.Request) string {
	values := r.Header.Values("X-Forwarded-For")
	if len(values) == 0 {
		return ""
	}
	last := values[len(values)-1]
	if i := strings.LastIndexByte(last, ','); i >= 0 {
		last = last[i+1:]
	}
	if ip := net.ParseIP(strings.TrimSpace(last)); ip != nil {
		return ip.String()
	}
	return ""
}
