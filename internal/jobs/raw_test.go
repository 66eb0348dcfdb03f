package jobs

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"

	goredis "github.com/redis/go-redis/v9"
)

// raw is all that Redis holds of a partition, read key by key past the engine.
// The fillers of hashes are left out.
type raw struct {
	hashes map[column]map[string]string
	lists  map[column][]string // next first
	scores map[column]map[string]int64
	parked []string // slots of jobs
	seats  []string // slots of groups
}

// stopper is a test of the testing package or of rapid.
type stopper interface {
	Helper()
	Fatalf(format string, args ...any)
}

var (
	hashColumns = []column{
		colJobs, colRunning, colTurns, colCounts, colErrors, colStale, colCancels, colArchive, colTicks, colMeta,
		colStats, colRoute, colUniques, colReports, colMinute, colSeries,
	}
	listColumns  = []column{colReady, colSuspects, colBell}
	scoreColumns = []column{colScheduled, colLeases, colCompleted, colCancelled, colDiscarded, colExpiry, colSeen, colLanes, colGates, colBlocked}
	keptColumns  = []column{colCompleted, colCancelled, colDiscarded}
)

// endedBase is ENDED of the prelude.
const endedBase = 1e15

// readRaw reads a partition in one transaction.
func readRaw(ctx context.Context, tb stopper, p *Partition) *raw {
	tb.Helper()
	r := &raw{hashes: map[column]map[string]string{}, lists: map[column][]string{}, scores: map[column]map[string]int64{}}
	pipe := p.engine.client.TxPipeline()
	hashes, lists, scores := map[column]*goredis.MapStringStringCmd{}, map[column]*goredis.StringSliceCmd{}, map[column]*goredis.ZSliceCmd{}
	for _, c := range hashColumns {
		hashes[c] = pipe.HGetAll(ctx, p.key(c))
	}
	for _, c := range listColumns {
		lists[c] = pipe.LRange(ctx, p.key(c), 0, -1)
	}
	for _, c := range scoreColumns {
		scores[c] = pipe.ZRangeWithScores(ctx, p.key(c), 0, -1)
	}
	parked := pipe.ZRange(ctx, p.key(colParked), 0, -1)
	if _, err := pipe.Exec(ctx); err != nil {
		tb.Fatalf("read the partition: %v", err)
	}
	for c, cmd := range hashes {
		r.hashes[c] = cmd.Val()
		delete(r.hashes[c], "")
	}
	for c, cmd := range lists {
		r.lists[c] = cmd.Val()
		slices.Reverse(r.lists[c])
	}
	for c, cmd := range scores {
		r.scores[c] = map[string]int64{}
		for _, z := range cmd.Val() {
			if slices.Contains(keptColumns, c) {
				z.Score -= endedBase
			}
			r.scores[c][z.Member.(string)] = int64(math.Ceil(z.Score)) // those of seen lack a part that says how the job ended
		}
	}
	r.parked = parked.Val()
	first := slices.IndexFunc(r.parked, func(slot string) bool { return strings.HasPrefix(slot, ringLane) })
	if first >= 0 {
		r.parked, r.seats = r.parked[:first:first], r.parked[first:]
	}
	return r
}

// unsound says which of the invariants that hold at every moment do not.
func (r *raw) unsound() []string {
	var faults []string
	complain := func(format string, args ...any) { faults = append(faults, fmt.Sprintf(format, args...)) }
	r.checkPlaces(complain)
	r.checkEnded(complain)
	r.checkLeases(complain)
	r.checkNotes(complain)
	r.checkLanes(complain)
	r.checkRanks(complain)
	r.checkRings(complain)
	r.checkReports(complain)
	if n := len(r.lists[colBell]); n > 1 {
		complain("the bell has %d elements", n)
	}
	return faults
}

// checkPlaces: a live id is in one index, any other in none; the dead entries of
// ready are counted.
func (r *raw) checkPlaces(complain func(string, ...any)) {
	places, inReady := map[string]int{}, map[string]int{}
	for _, id := range r.lists[colReady] {
		places[id]++
		inReady[id]++
	}
	for id, s := range r.hashes[colStale] {
		n, _ := strconv.Atoi(s)
		if n < 1 || n > inReady[id] {
			complain("stale[%q] = %s, ready has %d entries of it", id, s, inReady[id])
		}
		places[id] -= n
	}
	for _, id := range r.lists[colSuspects] {
		places[id]++
	}
	for id := range r.scores[colScheduled] {
		places[id]++
	}
	for id := range r.hashes[colRunning] {
		places[id]++
	}
	for _, slot := range r.parked {
		places[strings.SplitN(slot, "/", 3)[2]]++
	}
	for id := range r.hashes[colJobs] {
		if places[id] != 1 {
			complain("live job %q is in %d places", id, places[id])
		}
		delete(places, id)
	}
	for id, n := range places {
		if n != 0 {
			complain("%q is in %d places and not live", id, n)
		}
	}
}

// checkEnded: live and archived exclude each other; each archived job is in the
// set of its state alone.
func (r *raw) checkEnded(complain func(string, ...any)) {
	kept := map[string]int{}
	for _, c := range keptColumns {
		bytes := 0
		for id := range r.scores[c] {
			bytes += len(r.hashes[colArchive][id]) + r.reported(id)
		}
		if counted := r.hashes[colMeta][columns[c]+"_bytes"]; cmp.Or(counted, "0") != strconv.Itoa(bytes) {
			complain("meta counts %s bytes of %s, there are %d", counted, columns[c], bytes)
		}
		for id := range r.scores[c] {
			kept[id]++
			if record := r.hashes[colArchive][id]; !strings.HasPrefix(record, columns[c]+"|") {
				complain("%q is kept as %s, its record says %.20q", id, columns[c], record)
			}
		}
	}
	for id := range r.hashes[colArchive] {
		if _, expires := r.scores[colExpiry][id]; !expires {
			complain("archived job %q does not expire", id)
		}
		if kept[id] != 1 {
			complain("archived job %q is in %d of the sets", id, kept[id])
		}
		if _, live := r.hashes[colJobs][id]; live {
			complain("%q is live and archived", id)
		}
	}
	for id := range r.scores[colExpiry] {
		_, archived := r.hashes[colArchive][id]
		if _, live := r.hashes[colJobs][id]; !archived && !live {
			complain("%q is to expire, and is neither archived nor live", id)
		}
	}
}

// checkLeases: what runs has a lease that is known, and leases have rows.
func (r *raw) checkLeases(complain func(string, ...any)) {
	for id, token := range r.hashes[colRunning] {
		lease := token[:strings.LastIndexByte(token, ':')]
		if _, ok := r.scores[colLeases][lease]; !ok {
			complain("%q runs under %q, a lease that is gone", id, token)
		}
	}
	leases := slices.Sorted(maps.Keys(r.scores[colLeases]))
	if rows := slices.Sorted(maps.Keys(r.hashes[colTurns])); !slices.Equal(rows, leases) {
		complain("turns has rows of %q, leases are %q", rows, leases)
	}
}

// checkNotes: what is noted of jobs goes when they go.
func (r *raw) checkNotes(complain func(string, ...any)) {
	for _, note := range []struct{ of, within column }{
		{colCancels, colRunning}, {colCounts, colJobs}, {colErrors, colCounts}, {colRoute, colJobs},
	} {
		for id := range r.hashes[note.of] {
			if strings.HasPrefix(id, ringLane) {
				continue // the seat of a group, see checkRings
			}
			if _, ok := r.hashes[note.within][id]; !ok {
				complain("%s has %q, %s has not", columns[note.of], id, columns[note.within])
			}
		}
	}
	retryable := 0
	for id := range r.scores[colScheduled] {
		if failed, _ := tally(r.hashes[colCounts][id]); failed > 0 {
			retryable++
		}
	}
	if counted := r.stat("retryable"); counted != retryable {
		complain("stats count %d retryable jobs, there are %d", counted, retryable)
	}
}

// checkReports: who waits for a job, goes with it; of one that kept nothing, how it ended
// stays for a while. Where nothing is left, nothing is looked for.
func (r *raw) checkReports(complain func(string, ...any)) {
	if noted := r.hashes[colMeta]["reports"] != ""; noted != (len(r.hashes[colReports]) > 0) {
		complain("meta notes reports: %v, there are %d", noted, len(r.hashes[colReports]))
	}
	bytes := map[string]int{}
	for field, value := range r.hashes[colReports] {
		id := field[1:]
		if field[0] == 'g' {
			id = id[:strings.LastIndexByte(id, '/')]
			id = id[:strings.LastIndexByte(id, '/')]
		}
		_, live := r.hashes[colJobs][id]
		_, kept := r.hashes[colArchive][id]
		switch {
		case field[0] == 't', field[0] == 'B', field[0] == 'N': // see unsoundRows
		case field[0] == 'w' && live:
		case field[0] == 'h' && (live || kept):
			bytes[id] += 0
		case (field[0] == 's' || field[0] == 'a') && (live || kept):
		case (field[0] == 'p' || field[0] == 'l' || field[0] == 'g') && (live || kept):
			bytes[id] += len(value)
		default:
			complain("reports has %q of a job that is gone", field)
		}
	}
	for id, n := range bytes {
		if counted := r.reported(id); counted != n {
			complain("reports counts %d bytes of %q, there are %d", counted, id, n)
		}
	}
}

// reported is how many bytes were reported of a job, as reports counts them.
func (r *raw) reported(id string) int {
	parts := strings.SplitN(r.hashes[colReports]["h"+id], "|", 4)
	if len(parts) < 4 {
		return 0
	}
	n, _ := strconv.Atoi(parts[2])
	return n
}

// checkLanes: route, lanes and parked tell the same.
func (r *raw) checkLanes(complain func(string, ...any)) {
	lanes := map[string]int64{}
	for _, slot := range r.parked {
		parts := strings.SplitN(slot, "/", 3)
		lanes[slotOf(slot).line]++
		if at := r.hashes[colRoute][parts[2]]; at != parts[0]+"/"+parts[1] {
			complain("%q is parked, its route is %q", slot, at)
		}
	}
	if n := len(r.parked) + len(r.seats); n != len(r.hashes[colRoute]) {
		complain("%d jobs and groups are parked, %d have a route", n, len(r.hashes[colRoute]))
	}
	if counted := cmp.Or(r.hashes[colMeta]["ranked"], "0"); counted != strconv.FormatInt(lanes[rankedLane], 10) {
		complain("meta counts %s jobs in line by priority, there are %d", counted, lanes[rankedLane])
	}
	delete(lanes, rankedLane)
	if !maps.Equal(lanes, r.scores[colLanes]) {
		complain("lanes = %v, parked has %v", r.scores[colLanes], lanes)
	}
}

func (r *raw) stat(name string) int {
	n, _ := strconv.Atoi(r.hashes[colStats][name])
	return n
}

// columnOf finds a column by its name; -1: there is none.
func columnOf(name string) column { return column(slices.Index(columns, name)) }
