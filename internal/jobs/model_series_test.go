package jobs

import (
	"fmt"
	"maps"
	"strconv"
	"strings"
	"time"

	"pgregory.net/rapid"
)

// count counts what a turn tells of its finishes: all of it, or, if some were refused, nothing
// but the ends that the script notes.
func (m *model) count(t *Turn, accepted []Finish, some bool) {
	if some {
		for i := range accepted {
			if f := &accepted[i]; f.isPlain() {
				m.counts[f.Kind+"|c"]--
			}
		}
		return
	}
	for i := range t.Finishes {
		f := &t.Finishes[i]
		if f.Kind == "" || f.Outcome == Release || f.Outcome == Divert || f.Outcome == Limit {
			continue
		}
		if code := map[Outcome]string{Fail: "f", Snooze: "s"}[f.Outcome]; code != "" {
			m.counts[f.Kind+"|"+code]++
		}
		m.counts[f.Kind+"|r"]++
		if f.Waited >= 0 {
			m.counts[f.Kind+"|w"]++
		}
	}
	for _, told := range t.before {
		for _, c := range told.codes {
			m.counts[told.kind+"|"+codes[c.code][:1]] += c.n
		}
	}
}

// miscounted says where what was counted differs, over all minutes and over all hours, unless
// the clock has gone on so far that some of them are gone.
func (m *model) miscounted(r *raw, jumped time.Duration) (faults []string) {
	for unit, kept := range map[string]time.Duration{"m": KeepMinutes, "h": KeepHours} {
		if jumped > kept-24*time.Hour {
			continue
		}
		all := byKind{}
		for field, row := range r.hashes[colSeries] {
			if strings.HasPrefix(field, unit) {
				readRow(row, all.of)
			}
		}
		got := map[string]int{}
		for kind, e := range all {
			for code, n := range map[string]int64{"c": e.Completed, "d": e.Discarded, "x": e.Cancelled, "f": e.Failed, "s": e.Snoozed, "w": e.Waits.Count(), "r": e.Runs.Count()} {
				got[kind+"|"+code] += int(n)
			}
		}
		for field, text := range r.hashes[colMinute] {
			at := strings.LastIndexByte(field, '|')
			n, _ := strconv.Atoi(text)
			got[field[:at+2]] += n
		}
		for _, counts := range []map[string]int{got, m.counts} {
			maps.DeleteFunc(counts, func(_ string, n int) bool { return n == 0 })
		}
		if !maps.Equal(got, m.counts) {
			faults = append(faults, fmt.Sprintf("of what ended, by %s, there is %v, want %v", unit, got, m.counts))
		}
	}
	return faults
}

// endMinute has the minute be over in which things were counted: as if it had been another one.
func (w *world) endMinute(*rapid.T) {
	row, err := w.engine.client.HGet(w.ctx, w.p.key(colMinute), "").Result()
	if err != nil {
		return // nothing is counted
	}
	minute, rest, _ := strings.Cut(row, "|")
	n, _ := strconv.Atoi(minute)
	w.engine.client.HSet(w.ctx, w.p.key(colMinute), "", fmt.Sprint(n-int(time.Hour/time.Minute), "|", rest))
}
