// Package dashboard is the web pages that show queues, jobs, workers, schedules and Redis,
// and steer them: an [http.Handler] for a program of one's own, and what drayhorse ui
// serves. All it does goes through package admin.
//
// Pages are made here, whole, from templates; what the browser runs beside them only
// fetches the same pages again and takes over what has changed. Links are relative, so
// that it does not matter under which path the pages are mounted, and all that names a
// queue, a job or a schedule is a parameter, since ".." is a name too.
//
// # What a request passes
//
// In this order, in one place (dashboard.serve), for every route of the table in
// routes.go: the name of the host, the route, its origin if it changes something, its
// parameters, the right to change, the number of requests under way. Then it has ten
// seconds. What is shown passes [printable.Lines] at the very end, whatever template it
// came through: control characters, those that turn text round and those that nobody
// sees are shown as escapes.
//
// # What it costs
//
// No page reads all jobs, or all of anything else that grows without bound. Counts are
// those that queues keep. Of queues and workers one reading serves all who look within
// a second; nothing is read while nobody looks. Rates are differences between such
// readings, kept here for ten minutes.
package dashboard
