package jobs

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/drayhorse/drayhorse"
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
	"jobs", "ready", "suspects", "scheduled", "running", "parked", "rings", "waiting", "waits", "gates", "dead", "tally", "errors", "cancels", "ended",
	"kept", "seen", "ticks", "starts", "keys", "leases", "rows", "totals", "meta", "bell",
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
		v.set("tally", id, j.tally())
		v.set("errors", id, strconv.Itoa(j.errors))
		v.set("starts", id, strconv.FormatInt(j.startBy, 10))
		if j.place == inRunning && j.startBy != 0 {
			v.set("starts", id, strconv.FormatInt(j.startBy+startFar, 10))
		}
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
	bytes := map[drayhorse.State]int{}
	for id, j := range m.ended {
		v.set("ended", id, fmt.Sprintf("%s %d,%d %d %s", j.state, j.failed, j.rescued, j.errors, j.envelope))
		v.set("kept", id, fmt.Sprintf("%d to %d", j.endedAt, j.endedAt+j.kept()))
		bytes[j.state] += j.size
	}
	v.list("ready", m.ready)
	v.list("suspects", m.suspects)
	for id, n := range m.dead {
		v.set("dead", id, strconv.Itoa(n))
	}
	for id, expiry := range m.seen {
		v.set("seen", id, strconv.FormatInt(expiry, 10))
	}
	for key, id := range m.keys {
		v.set("keys", key, "1|"+id)
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
	v.set("meta", "depth", strconv.Itoa(m.depth))
	v.set("meta", "ranked", strconv.Itoa(len(m.lane(rankedLane))))
	v.set("meta", "picks", strconv.Itoa(m.picks))
	for ring, groups := range m.rings() {
		v.set("rings", ring, fmt.Sprintf("%q", groups))
	}
	var kinds, barred strings.Builder
	for _, kind := range slices.Sorted(maps.Keys(m.kinds)) {
		k := m.kinds[kind]
		fmt.Fprintf(&kinds, "%s|%d|%d|%d|%s;", kind, map[bool]int{true: 1}[k.paused], k.till, k.since, k.bounds())
		if k.limit.most > 0 {
			v.set("meta", "run:"+kind, strconv.Itoa(m.runs(kind)))
		}
		if kind == "a" {
			v.set("meta", "tat:k", strconv.FormatInt(k.limit.on, 10))
		}
	}
	for _, b := range m.barred {
		fmt.Fprintf(&barred, "%s,%d,%d;", b.kind, b.till, b.since)
	}
	v.set("meta", "brk:l", m.limit.breaker.row())
	if k := m.kinds["a"]; k != nil {
		v.set("meta", "brk:k", k.limit.breaker.row())
	}
	v.set("meta", "kinds", kinds.String())
	v.set("meta", "barred", barred.String())
	v.set("meta", "tat:l", strconv.FormatInt(m.limit.on, 10))
	if l := m.limit; l.shut != 0 {
		v.set("meta", "gate", fmt.Sprintf("%d,%d", l.shut, l.since))
	}
	v.set("meta", "joins", strconv.FormatInt(m.joins, 10))
	for state, n := range bytes {
		v.set("meta", string(state)+"_bytes", strconv.Itoa(n))
	}
	m.viewGates(v)
	v.set("bell", "", map[bool]string{true: "rung"}[m.bell])
	return v
}

// startFar is FAR of the prelude.
const startFar = int64(1e15)

// tally is what counts has of a job, but for the times at which workers died.
func (j *modelJob) tally() string {
	s := fmt.Sprintf("%d,%d", j.failed, j.rescued)
	if b := j.blame; j.rescued > 0 {
		n := map[bool]int{true: 1}
		s += fmt.Sprintf("|%d,%d,%d,%d,%d|%s", b.alone, n[b.narrowed], b.others, b.trial, n[b.tried], b.lease)
	}
	return s
}

// cutLast cuts s at the last separator.
func cutLast(s, separator string) (before, after string) {
	if i := strings.LastIndex(s, separator); i >= 0 {
		return s[:i], s[i+1:]
	}
	return s, ""
}

func (r *raw) view() view {
	v := newView()
	for id, envelope := range r.hashes[colJobs] {
		v.set("jobs", id, envelope)
		noted, _ := cutLast(r.hashes[colCounts][id], "|") // the times are Redis's
		v.set("tally", id, noted)
		v.set("errors", id, strconv.Itoa(len(decodeErrors(r.hashes[colErrors][id]))))
		v.set("starts", id, strconv.FormatInt(r.scores[colExpiry][id], 10))
	}
	for id, due := range r.scores[colScheduled] {
		v.set("scheduled", id, strconv.FormatInt(due, 10))
	}
	for id, s := range r.hashes[colArchive] {
		e, _ := decodeRecord(s)
		v.set("ended", id, fmt.Sprintf("%s %d,%d %d %s", e.state, e.failed, e.rescued, len(decodeErrors(e.errors)), e.envelope))
	}
	for _, c := range keptColumns {
		for id, ended := range r.scores[c] {
			v.set("kept", id, fmt.Sprintf("%d to %d", ended, r.scores[colExpiry][id]))
		}
	}
	for name, c := range map[string]column{"running": colRunning, "parked": colRoute, "dead": colStale, "ticks": colTicks, "totals": colStats} {
		for key, value := range r.hashes[c] {
			if !strings.HasPrefix(key, ringLane) { // see rings
				v.set(name, key, value)
			}
		}
	}
	if r.stat("retryable") > 0 {
		v.set("totals", "retryable", "some") // how many, unsound checks
	}
	v.list("ready", r.lists[colReady])
	v.list("suspects", r.lists[colSuspects])
	for ring, groups := range r.rings() {
		v.set("rings", ring, fmt.Sprintf("%q", groups))
	}
	for id := range r.hashes[colCancels] {
		v.set("cancels", id, "yes")
	}
	for id, expiry := range r.scores[colSeen] {
		v.set("seen", id, strconv.FormatInt(expiry, 10))
	}
	for key, row := range r.hashes[colUniques] {
		parts := strings.SplitN(row, "|", 3) // till, since, and the rest
		v.set("keys", key, parts[2])
	}
	for name, score := range r.scores[colLeases] {
		v.set("leases", name, map[bool]string{true: "condemned", false: "alive"}[score == 0])
	}
	for name, row := range r.hashes[colTurns] {
		seq, _, _ := strings.Cut(row, "|")
		v.set("rows", name, seq)
	}
	for _, key := range []string{"paused", "large", "depth", "tat:l", "gate", "kinds", "barred", "run:a", "brk:l", "brk:k", "tat:k", "ranked", "picks", "parked", "joins", "completed_bytes", "cancelled_bytes", "discarded_bytes"} {
		v.set("meta", key, r.hashes[colMeta][key])
	}
	r.viewGates(v)
	v.set("bell", "", map[bool]string{true: "rung"}[len(r.lists[colBell]) > 0])
	return v
}

// viewGates is what Redis has of groups that wait, and of gates.
func (m *model) viewGates(v view) {
	v.set("meta", "group_limits", m.gates.terms())
	for s, gate := range m.gates.waiting {
		v.set("waiting", s.ring()+" "+s.group, gate)
	}
	for gate, opens := range m.gates.opens {
		v.set("waits", gate, opensText(opens))
	}
	for gate, on := range m.gates.on {
		for name, kind := range groupLimitKinds {
			if kind == kindOf(gate) {
				v.set("gates", name+"/"+gate, strconv.FormatInt(on, 10))
			}
		}
	}
	n := map[string]int{}
	for _, j := range m.jobs {
		for _, gate := range m.gates.at(j.kind(), j.group()) {
			if j.place == inRunning && m.gates.limits[kindOf(gate)].most > 0 {
				n[gate]++
			}
		}
	}
	for gate, n := range n {
		v.set("gates", gate, strconv.Itoa(n))
	}
}

func opensText(opens int64) string {
	if opens < opened {
		return "open"
	}
	return strconv.FormatInt(opens, 10)
}

func (r *raw) viewGates(v view) {
	v.set("meta", "group_limits", r.hashes[colMeta]["group_limits"])
	for _, slot := range r.waiting() {
		s, gate := waiterIn(slot)
		v.set("waiting", s.ring()+" "+s.group, gate)
	}
	for gate, opens := range r.scores[colBlocked] {
		v.set("waits", gate, opensText(opens))
	}
	for name, n := range r.scores[colGates] {
		v.set("gates", name, strconv.FormatInt(n, 10))
	}
}
