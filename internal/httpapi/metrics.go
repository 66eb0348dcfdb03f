package httpapi

import (
	"net/http"
	"strconv"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/drayhorse/drayhorse/internal/metrics"
)

// instruments are what a server counts; docs/http.md explains each.
type instruments struct {
	redis *metrics.Redis

	requests *prometheus.CounterVec
	seconds  *prometheus.HistogramVec
	lines    *prometheus.CounterVec
	actions  *prometheus.CounterVec

	mu     sync.Mutex
	tokens map[string]bool // that have series
}

// newInstruments makes them and adds them to r.
func newInstruments(r prometheus.Registerer) (*instruments, error) {
	m := &instruments{
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "drayhorse_http_requests_total", Help: "Requests that were answered.",
		}, []string{"route", "code"}),
		seconds: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "drayhorse_http_request_seconds", Help: "How long requests took, their bodies included.",
			Buckets: metrics.Seconds(0.0005, 10), // 0.5 ms to 2 min
		}, []string{"route"}),
		lines: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "drayhorse_http_batch_lines_total", Help: "Lines of batches that were answered.",
		}, []string{"code"}),
		actions: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "drayhorse_http_actions_total", Help: "What tokens changed, and what they were refused.",
		}, []string{"token", "action", "outcome"}),
		tokens: map[string]bool{},
	}
	m.begin()
	err := metrics.Register(r, m.requests, m.seconds, m.lines, m.actions)
	if err == nil {
		m.redis, err = metrics.NewRedis(r)
	}
	return m, err
}

// begin makes the series that alerts and rates are about: the first increase of one
// that appears with it is not seen.
func (m *instruments) begin() {
	for _, route := range []string{routeEnqueue, routeBatch, routeGet, routeLogs, routeStream, routeCancel, routeDelete} {
		m.seconds.WithLabelValues(route)
		for _, code := range []int{http.StatusInternalServerError, http.StatusServiceUnavailable} {
			m.requests.WithLabelValues(route, strconv.Itoa(code))
		}
	}
	for _, code := range []int{http.StatusCreated, http.StatusOK, http.StatusUnprocessableEntity, http.StatusServiceUnavailable} {
		m.lines.WithLabelValues(strconv.Itoa(code))
	}
}

// served takes note of a request. Paths that are no route have the label of the
// route that answered them.
func (m *instruments) served(route string, code int, took time.Duration) {
	m.requests.WithLabelValues(route, strconv.Itoa(code)).Inc()
	m.seconds.WithLabelValues(route).Observe(took.Seconds())
}

// maxTokenSeries is how many tokens have series of their own; the others share one.
const maxTokenSeries = 1000

// done takes note of what a token did. "" is nobody known.
func (m *instruments) done(token, action, outcome string) {
	m.mu.Lock()
	if !m.tokens[token] {
		if len(m.tokens) < maxTokenSeries {
			m.tokens[token] = true
		} else {
			token = "other"
		}
	}
	m.mu.Unlock()
	m.actions.WithLabelValues(token, action, outcome).Inc()
}
