package dashboard

import (
	"maps"
	"net/http"
	"slices"
	"strings"
)

// route is a page or an action.
type route struct {
	method, path string
	params       []string // that it takes, each once; those in many up to maxMany times
	changes      bool
	serve        func(q *request) error
}

// many are the parameters that may come several times.
var many = map[string]bool{"job": true}

// routes is the whole table. GETs change nothing, and all that changes something is do.
func (d *dashboard) routes() []route {
	get := func(path string, serve func(q *request) error, params ...string) route {
		return route{method: http.MethodGet, path: path, params: append(params, "done"), serve: serve}
	}
	all := []route{
		get("/", overview),
		get("/queues", listQueues, "after", "find"),
		get("/queue", showQueue, "queue"),
		get("/jobs", listJobs, "queue", "state", "kind", "where", "limit", "cursor"),
		get("/job", showJob, "queue", "id"),
		get("/job.json", downloadJob, "queue", "id"),
		get("/actions", listActions),
		get("/action", showAction, "id"),
		get("/workers", listWorkers, "page"),
		get("/schedules", listSchedules, "cursor"),
		get("/schedule", showSchedule, "id"),
		get("/redis", showRedis),
		get("/find", find, "id"),
		get("/confirm", confirm, actionParams...),
		{method: http.MethodPost, path: "/confirm", params: actionParams, changes: true, serve: confirm},
		{method: http.MethodPost, path: "/do", params: append([]string{"typed"}, actionParams...), changes: true, serve: do},
	}
	for name := range assets {
		all = append(all, route{method: http.MethodGet, path: "/static/" + name, params: []string{"v"}, serve: serveAsset})
	}
	return all
}

// actionParams name an action and what it is done to.
var actionParams = []string{"action", "queue", "schedule", "job", "state", "from", "kind", "where", "reason", "id"}

func allowed(methods map[string]route) string {
	all := slices.Sorted(maps.Keys(methods))
	if slices.Contains(all, http.MethodGet) {
		all = append(all, http.MethodHead)
		slices.Sort(all)
	}
	return strings.Join(all, ", ")
}
