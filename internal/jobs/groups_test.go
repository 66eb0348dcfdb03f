package jobs

import (
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"
)

// groupsRan gives how many groups had jobs run, by the number of the minute or hour.
func (r *rig) groupsRan(unit time.Duration) map[int64]int64 {
	r.t.Helper()
	now, all := time.Now().Unix()/int64(unit.Seconds()), map[int64]int64{}
	reader := SeriesReader{
		To:     func(int, int64, string) []*Ends { return nil },
		Groups: func(_ int, number, n int64) { all[number] += n },
	}
	r.must(r.Series(r.ctx, unit, now-700, now+700, reader, r.part))
	return all
}

// noteGroups notes n groups, whose names begin alike.
func (r *rig) noteGroups(name string, n int) {
	r.t.Helper()
	ran := RanGroups{Partition: r.part}
	for i := range n {
		ran.Names = append(ran.Names, name+strconv.Itoa(i))
	}
	r.must(r.NoteGroups(r.ctx, ran)[0])
}

// passGroupMinutes has groups that were noted be those of minutes, or hours, of so long ago.
func (r *rig) passGroupMinutes(unit string, n int64) {
	r.t.Helper()
	key := r.part.key(colSeries)
	for field, value := range r.client.HGetAll(r.ctx, key).Val() {
		if text, ok := strings.CutPrefix(field, "g"+unit); ok {
			number, err := strconv.ParseInt(text, 10, 64)
			r.must(err)
			r.must(r.client.HDel(r.ctx, key, field).Err())
			r.must(r.client.HSet(r.ctx, key, "g"+unit+strconv.FormatInt(number-n, 10), value).Err())
		}
	}
}

// about reports whether an estimate is within 2 % of what it is of.
func about(n, of int64) bool { return 50*max(n-of, of-n) <= of }

func TestGroupsAreCountedOnce(t *testing.T) {
	conform(t, func(r *rig) {
		r.enqueueGroup("a", 1)
		for range 3 { // more than one call notes, the same each time
			r.noteGroups("a", 1200)
		}
		for _, unit := range []time.Duration{time.Minute, time.Hour} {
			got := r.groupsRan(unit)
			for _, n := range got {
				if !about(n, 1200) {
					t.Errorf("by %v groups %v, want about 1200", unit, got)
				}
			}
			if len(got) == 0 || len(got) > 2 { // two if one was over meanwhile
				t.Errorf("by %v groups %v, want those of one", unit, got)
			}
		}
		r.passGroupMinutes("m", 10)
		r.noteGroups("b", 100)
		minutes, hours := r.groupsRan(time.Minute), r.groupsRan(time.Hour)
		var latest, most int64
		for number := range minutes {
			latest = max(latest, number)
		}
		for _, n := range hours {
			most = max(most, n)
		}
		if !about(minutes[latest], 100) || !about(most, 1300) {
			t.Errorf("groups by minute %v, by hour %v; want about 100 in another minute, 1300 in the hour", minutes, hours)
		}
	})
}

func TestGroupsAreKeptAsLongAsTheSeries(t *testing.T) {
	conform(t, func(r *rig) {
		r.enqueueGroup("a", 1)
		r.noteGroups("a", 3)
		r.passGroupMinutes("m", int64(KeepMinutes/time.Minute)+2)
		r.passGroupMinutes("h", int64(KeepHours/time.Hour)+2)
		past := time.Now().Add(-KeepHours - 3*time.Hour)
		r.must(r.client.HSet(r.ctx, r.part.key(colSeries), "", fmt.Sprint((time.Now().Add(-KeepMinutes-3*time.Minute)).Unix()/60, "|", past.Unix()/3600)).Err())
		_, err := r.part.Sweep(r.ctx)
		r.must(err)
		if left := r.client.HGetAll(r.ctx, r.part.key(colSeries)).Val(); len(left) > 0 {
			t.Errorf("series has %v, want nothing: all of it is too old", left)
		}
	})
}

// TestGroupsLeaveNothingElsewhere: a queue without groups, or that is gone, gets no keys.
func TestGroupsLeaveNothingElsewhere(t *testing.T) {
	conform(t, func(r *rig) {
		r.enqueue(r.newJob())
		r.noteGroups("a", 3)
		for _, c := range []column{colSeries, colMinuteGroups, colHourGroups} {
			if r.client.Exists(r.ctx, r.part.key(c)).Val() != 0 {
				t.Errorf("a queue without groups has %s", columns[c])
			}
		}
	})
}
