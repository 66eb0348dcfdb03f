package dashboard

import "net/http"

// Route is one of the table, for tests that walk it.
type Route struct {
	Method, Path string
	Params       []string
	Changes      bool
}

// Routes gives the table of a handler.
func Routes(h http.Handler) (all []Route) {
	for _, methods := range h.(*dashboard).table {
		for _, r := range methods {
			all = append(all, Route{r.method, r.path, r.params, r.changes})
		}
	}
	return all
}

// Headers are those of every answer.
func Headers() map[string]string { return headers }
