package cli

import (
	"fmt"
	"net/http"
	"net/http/pprof"
	"strconv"
	"strings"
)

// Profiles take time and memory of the program that they are of.
const (
	maxProfiles       = 2  // at once
	maxProfileSeconds = 60 // each
)

// profiles serves what net/http/pprof does, but for the command line, which may hold a
// password; to this machine alone unless it is asked for more.
type profiles struct {
	remote bool
	free   chan struct{}
}

func (p *profiles) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if !p.remote && (!IsLoopback(r.RemoteAddr) || !IsLoopback(r.Host)) {
		http.Error(w, "profiles are for this machine alone; want pprof_remote for others", http.StatusForbidden)
		return
	}
	if text := r.FormValue("seconds"); text != "" {
		if n, err := strconv.ParseFloat(text, 64); err != nil || !(n > 0 && n <= maxProfileSeconds) {
			http.Error(w, fmt.Sprintf("seconds %q; want 1 to %d", text, maxProfileSeconds), http.StatusBadRequest)
			return
		}
	}
	select {
	case p.free <- struct{}{}:
		defer func() { <-p.free }()
	default:
		http.Error(w, fmt.Sprintf("%d profiles are being made; want one when they are done", maxProfiles), http.StatusTooManyRequests)
		return
	}
	switch strings.TrimPrefix(r.URL.Path, "/debug/pprof/") {
	case "cmdline":
		http.NotFound(w, r)
	case "profile":
		pprof.Profile(w, r)
	case "symbol":
		pprof.Symbol(w, r)
	case "trace":
		pprof.Trace(w, r)
	default:
		pprof.Index(w, r)
	}
}
