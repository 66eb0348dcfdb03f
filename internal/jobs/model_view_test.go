package jobs

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// view is a partition in a form in which the model and Redis can be compared:
// what each column holds, by its name.
type view map[string]map[string]string

// differences names every entry of got that is not as in v.
func (v view) differences(got view) []string {
	var faults []string
	for name := range v {
		keys := maps.Clone(v[name])
		maps.Copy(keys, got[name])
		for _, key := range slices.Sorted(maps.Keys(keys)) {
			if w, g := v[name][key], got[name][key]; w != g {
				faults = append(faults, fmt.Sprintf("%s[%q] = %q, want %q", name, key, g, w))
			}
		}
	}
	return faults
}

// set puts an entry that is not the zero of its kind.
func (v view) set(name, key, value string) {
	if v[name] == nil {
		v[name] = map[string]string{}
	}
	if value != "" && value != "0" && value != "0,0" {
		v[name][key] = value
	}
}

func (v view) list(name string, ids []string) {
	v.set(name, "", strings.Join(ids, " "))
}

var viewNames = []string{
	"jobs", "ready", "suspects", "scheduled", "running", "parked", "dead", "tally", "errors", "cancels", "ended",
	"kept", "seen", "ticks", "leases", "rows", "totals", "meta", "bell",
}

func newView() view {
	v := view{}
	for _, name := range viewNames {
		v[name] = map[string]string{}
	}
	return v
}

func (m *model) view() view {
	v := newView()
	for id, j := range m.jobs {
		v.set("jobs", id, j.envelope)
		v.set("tally", id, fmt.Sprintf("%d,%d", j.failed, j.rescued))
		v.set("errors", id, strconv.Itoa(j.errors))
		switch j.place {
		case inScheduled:
			v.set("scheduled", id, strconv.FormatInt(j.due, 10))
			if j.failed > 0 {
				v.set("totals", "retryable", "some")
			}
		case inRunning:
			v.set("running", id, j.token)
			if j.cancel {
				v.set("cancels", id, "yes")
			}
		case inParked:
			v.set("parked", id, j.slot)
		case inReady, inSuspects:
		}
	}
	for id, j := range m.ended {
		v.set("ended", id, fmt.Sprintf("%s %d,%d %d %s", j.state, j.failed, j.rescued, j.errors, j.envelope))
		v.set("kept", id, strconv.FormatInt(j.expiry, 10))
	}
	v.list("ready", m.ready)
	v.list("suspects", m.suspects)
	for id, n := range m.dead {
		v.set("dead", id, strconv.Itoa(n))
	}
	for id, expiry := range m.seen {
		v.set("seen", id, strconv.FormatInt(expiry, 10))
	}
	for schedule, tick := range m.ticks {
		v.set("ticks", schedule, strconv.FormatInt(tick, 10))
	}
	for name, l := range m.leases {
		v.set("leases", name, map[bool]string{true: "condemned", false: "alive"}[l.condemned])
		v.set("rows", name, strconv.FormatUint(l.seq, 10))
	}
	for name, n := range m.totals {
		v.set("totals", name, strconv.Itoa(n))
	}
	v.set("meta", "paused", map[bool]string{true: "1"}[m.paused])
	v.set("meta", "large", map[bool]string{true: "1"}[m.large])
	v.set("meta", "parked", strconv.Itoa(m.slots))
	v.set("meta", "joins", strconv.FormatInt(m.joins, 10))
	v.set("bell", "", map[bool]string{true: "rung"}[m.bell])
	return v
}

func (r *raw) view() view {
	v := newView()
	for id, envelope := range r.hashes[colJobs] {
		v.set("jobs", id, envelope)
		v.set("tally", id, r.hashes[colCounts][id])
		v.set("errors", id, strconv.Itoa(len(decodeErrors(r.hashes[colErrors][id]))))
	}
	for id, due := range r.scores[colScheduled] {
		v.set("scheduled", id, strconv.FormatInt(due, 10))
	}
	for id, s := range r.hashes[colArchive] {
		e, _ := decodeRecord(s)
		v.set("ended", id, fmt.Sprintf("%s %d,%d %d %s", e.state, e.failed, e.rescued, len(decodeErrors(e.errors)), e.envelope))
	}
	for _, c := range keptColumns {
		for id, expiry := range r.scores[c] {
			v.set("kept", id, strconv.FormatInt(expiry, 10))
		}
	}
	for name, c := range map[string]column{"running": colRunning, "parked": colRoute, "dead": colStale, "ticks": colTicks, "totals": colStats} {
		for key, value := range r.hashes[c] {
			v.set(name, key, value)
		}
	}
	if r.stat("retryable") > 0 {
		v.set("totals", "retryable", "some") // how many, unsound checks
	}
	v.list("ready", r.lists[colReady])
	v.list("suspects", r.lists[colSuspects])
	for id := range r.hashes[colCancels] {
		v.set("cancels", id, "yes")
	}
	for id, expiry := range r.scores[colSeen] {
		v.set("seen", id, strconv.FormatInt(expiry, 10))
	}
	for name, score := range r.scores[colLeases] {
		v.set("leases", name, map[bool]string{true: "condemned", false: "alive"}[score == 0])
	}
	for name, row := range r.hashes[colTurns] {
		seq, _, _ := strings.Cut(row, "|")
		v.set("rows", name, seq)
	}
	for _, key := range []string{"paused", "large", "parked", "joins"} {
		v.set("meta", key, r.hashes[colMeta][key])
	}
	v.set("bell", "", map[bool]string{true: "rung"}[len(r.lists[colBell]) > 0])
	return v
}
