package dashboard

import (
	"maps"
	"net/http"
	"slices"
	"strings"

	"github.com/drayhorse/drayhorse/internal/access"
)

// route is a page or an action.
type route struct {
	method, path string
	needs        access.Right // that who asks for it has to have; the zero right nobody has
	whole        bool         // it is about all jobs: the user's scope has to be all
	params       []string     // that it takes, each once; those in many up to maxMany times
	others       bool         // and parameters that it does not know
	changes      bool         // jobs, queues or schedules
	serve        func(q *request) error
}

// many are the parameters that may come several times.
var many = map[string]bool{"job": true}

// routes is the whole table: what is not here is not served, and what has no right here is
// served to nobody. GETs change nothing, but that
// events are told while somebody looks at their page, and all that changes something is do. Rights beyond
// these depend on what is asked for: actions have theirs in the table of actions, and all that
// is seen passes the gate.
func (d *dashboard) routes() []route {
	get := func(path string, needs access.Right, serve func(q *request) error, params ...string) route {
		return route{method: http.MethodGet, path: path, needs: needs, params: append(params, "done"), serve: serve}
	}
	whole := func(r route) route { r.whole = true; return r }
	all := []route{
		get("/", access.See, overview, "range"),
		get("/queues", access.See, listQueues, "after", "find"),
		get("/queue", access.See, showQueue, "queue", "range"),
		get("/jobs", access.See, listJobs, "queue", "state", "kind", "where", "limit", "cursor", "looked"),
		get("/complete", access.See, complete, "where"),
		get("/job", access.See, showJob, "queue", "id"),
		get("/edit-job", access.Delete, writeJob, "queue", "id"),
		{method: http.MethodPost, path: "/edit-job", needs: access.Delete, params: jobParams, changes: true, serve: keepJob},
		get("/job.json", access.Read, downloadJob, "queue", "id"),
		get("/actions", access.Read, listActions),
		get("/action", access.Read, showAction, "id"),
		get("/events", access.See, showEvents, "queue", "kind", "type", "where"),
		get("/workers", access.See, listWorkers, "page"),
		get("/limits", access.See, listLimits),
		get("/edit-limit", access.Declare, writeLimit, "limit"),
		{method: http.MethodPost, path: "/edit-limit", needs: access.Declare, params: limitParams, changes: true, serve: keepLimit},
		whole(get("/flows", access.See, listFlows, "stuck", "cursor")),
		whole(get("/flow", access.See, showFlow, "id", "state", "step")),
		get("/schedules", access.See, listSchedules, "cursor"),
		get("/schedule", access.See, showSchedule, "id"),
		get("/edit-schedule", access.Declare, writeSchedule, "id"),
		{method: http.MethodPost, path: "/edit-schedule", needs: access.Declare, params: scheduleParams, changes: true, serve: keepSchedule},
		whole(get("/redis", access.Read, showRedis)),
		whole(get("/audit", access.Audit, showAudit, "refused", "cursor")),
		get("/find", access.See, find, "id"),
		get("/confirm", access.Steer, confirm, actionParams...),
		{method: http.MethodPost, path: "/confirm", needs: access.Steer, params: actionParams, changes: true, serve: confirm},
		{method: http.MethodPost, path: "/do", needs: access.Steer, params: append([]string{"typed"}, actionParams...), changes: true, serve: do},
		{method: http.MethodPost, path: "/reveal", needs: access.Reveal, params: []string{"queue", "id", "file"}, serve: reveal},
	}
	if d.sessions != nil {
		all = append(all, get("/login", access.Anyone, showLogin, "next"),
			route{method: http.MethodPost, path: "/login", needs: access.Anyone, params: []string{"name", "password", "next"}, serve: logIn},
			route{method: http.MethodPost, path: "/logout", needs: access.Known, params: []string{"everywhere"}, serve: logOut})
	}
	if d.provider != nil {
		back := get("/oidc-callback", access.Anyone, endOIDC, "code", "state", "iss", "error", "error_description")
		back.others = true // providers add what they like
		all = append(all, get("/oidc", access.Anyone, beginOIDC, "next"), back)
	}
	for name := range assets {
		all = append(all, route{method: http.MethodGet, path: "/static/" + name, needs: access.Anyone, params: []string{"v"}, serve: serveAsset})
	}
	return all
}

// actionParams name an action and what it is done to.
var actionParams = []string{"action", "queue", "schedule", "job", "state", "from", "kind", "where", "reason", "id", "limit", "flow", "step", "value", "since", "until"}

func allowed(methods map[string]route) string {
	all := slices.Sorted(maps.Keys(methods))
	if slices.Contains(all, http.MethodGet) {
		all = append(all, http.MethodHead)
		slices.Sort(all)
	}
	return strings.Join(all, ", ")
}
