package jobs

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/drayhorse/drayhorse/internal/histogram"
)

// counted is a finish that counts, as a worker tells it.
func counted(f *Finish) {
	f.Kind, f.Waited, f.Ran = "test", 20*time.Millisecond, 3*time.Second
}

func plainly(f *Finish) { f.Keep = false }

// byKind is what ended, by kind.
type byKind map[string]*Ends

func (b byKind) of(kind string) []*Ends {
	if b[kind] == nil {
		b[kind] = &Ends{}
	}
	return []*Ends{b[kind]}
}

// ended gives what ended in the queue's partition, of all kinds and minutes that are kept.
func (r *rig) ended(unit time.Duration) byKind {
	r.t.Helper()
	now, all := time.Now().Unix()/int64(unit.Seconds()), byKind{}
	reader := SeriesReader{To: func(_ int, _ int64, kind string) []*Ends { return all.of(kind) }}
	r.must(r.Series(r.ctx, unit, now-700, now+700, reader, r.part))
	return all
}

func (e *Ends) String() string {
	return fmt.Sprintf("c%d d%d x%d f%d s%d w%d r%d", e.Completed, e.Discarded, e.Cancelled, e.Failed, e.Snoozed, e.Waits.Count(), e.Runs.Count())
}

func (r *rig) wantEnded(want string) {
	r.t.Helper()
	for _, unit := range []time.Duration{time.Minute, time.Hour} {
		if got := r.ended(unit).of("test")[0].String(); got != want {
			r.t.Fatalf("by %v ended %s, want %s", unit, got, want)
		}
	}
}

func TestEndsAreCounted(t *testing.T) {
	conform(t, func(r *rig) {
		l := r.newLease()
		r.enqueue(r.newJob(), r.newJob(), r.newJob(retained), r.newJob(), r.newJob(), r.newJob(), r.newJob())
		claims := r.turn(l, 7).Claims
		turn := &Turn{Lease: l, Finishes: []Finish{
			claims[0].finish(Complete, counted, plainly), claims[1].finish(Complete, counted, plainly), claims[2].finish(Complete, counted),
			claims[3].finish(Fail, counted), claims[4].finish(Exhaust, counted), claims[5].finish(Snooze, counted), claims[6].finish(Release),
		}}
		for range 2 { // the second is a repeat
			r.must(r.RunTurns(r.ctx, turn)[0].Err)
		}
		r.wantEnded("c3 d1 x0 f1 s1 w6 r6")
		r.must(r.part.Cancel(r.ctx, claims[6].ID))
		r.wantEnded("c3 d1 x1 f1 s1 w6 r6")
		e := r.ended(time.Minute)["test"]
		if q := e.Runs.Quantiles(0.5)[0]; q < 2850*time.Millisecond || q > 3150*time.Millisecond {
			t.Errorf("runs of 3 s are told as %v", q)
		}
		if e.Waits[histogram.Bucket(20*time.Millisecond)] != 6 {
			t.Errorf("waits are %v", e.Waits)
		}
	})
}

// TestARefusedFinishCountsNot: nor do the others of the turn get lost, which the next one tells.
func TestARefusedFinishCountsNot(t *testing.T) {
	conform(t, func(r *rig) {
		l := r.newLease()
		r.enqueue(r.newJob(), r.newJob(), r.newJob())
		claims := r.turn(l, 3).Claims
		first := claims[0].finish(Complete, counted, plainly)
		r.turn(l, 0, first)
		for _, finish := range []Finish{claims[1].finish(Complete, counted, plainly), claims[2].finish(Fail, counted)} {
			if got := r.turn(l, 0, first, finish); !slices.Equal(got.Rejected, []string{first.ID}) {
				r.t.Fatalf("rejected %q", got.Rejected)
			}
			r.wantEnded("c1 d0 x0 f0 s0 w1 r1")
		}
		r.turn(l, 0)
		r.wantEnded("c2 d0 x0 f1 s0 w3 r3")
	})
}

// TestWhatIsCancelledCountsAsThat: a worker that does not know yet says that the attempt failed.
func TestWhatIsCancelledCountsAsThat(t *testing.T) {
	conform(t, func(r *rig) {
		l := r.newLease()
		r.enqueue(r.newJob())
		c := r.turn(l, 1).Claims[0]
		r.must(r.part.Cancel(r.ctx, c.ID))
		r.turn(l, 0, c.finish(Fail, counted))
		r.wantEnded("c0 d0 x1 f0 s0 w1 r1")
	})
}

// passMinutes has the minute that is not over be one of so long ago.
func (r *rig) passMinutes(n int) {
	r.t.Helper()
	row, err := r.client.HGet(r.ctx, r.part.key(colMinute), "").Result()
	r.must(err)
	minute, rest, _ := strings.Cut(row, "|")
	at, err := strconv.Atoi(minute)
	r.must(err)
	r.must(r.client.HSet(r.ctx, r.part.key(colMinute), "", fmt.Sprint(at-n, "|", rest)).Err())
}

// TestWhatIsTakenBackMayBeToldLater: the turn that had an attempt cancelled had another finish refused, so what it
// tells is told by the next one, when another minute has begun.
func TestWhatIsTakenBackMayBeToldLater(t *testing.T) {
	conform(t, func(r *rig) {
		l := r.newLease()
		r.enqueue(r.newJob(), r.newJob())
		claims := r.turn(l, 2).Claims
		first := claims[0].finish(Complete, counted, plainly)
		r.turn(l, 0, first)
		r.must(r.part.Cancel(r.ctx, claims[1].ID))
		r.turn(l, 0, first, claims[1].finish(Fail, counted))
		r.passMinutes(1)
		r.turn(l, 0)
		r.wantEnded("c1 d0 x1 f0 s0 w2 r2")
	})
}

func TestMinutesGoIntoTheSeries(t *testing.T) {
	conform(t, func(r *rig) {
		l := r.newLease()
		for i := range 4 {
			r.enqueue(r.newJob(), r.newJob())
			for _, c := range r.turn(l, 2).Claims {
				r.turn(l, 0, c.finish(Complete, plainly, func(f *Finish) { f.Kind, f.Waited, f.Ran = "test", -1, time.Duration(i)*time.Second }))
			}
			r.passMinutes(3 - i) // the last one stays what it is
		}
		r.wantEnded("c8 d0 x0 f0 s0 w0 r8")
		if n := r.client.HLen(r.ctx, r.part.key(colSeries)).Val(); n < 4 || n > 6 {
			t.Errorf("series has %d fields, want three minutes, one or two hours and what is first", n)
		}
	})
}

// TestSeriesAreBounded: by the number of kinds, the bytes of a row, and the time.
func TestSeriesAreBounded(t *testing.T) {
	conform(t, func(r *rig) {
		l := r.newLease()
		const kinds = 90
		news := make([]*NewJob, kinds)
		for i := range news {
			news[i] = r.newJob()
		}
		r.enqueue(news...)
		var finishes []Finish
		for i, c := range r.turn(l, kinds).Claims {
			finishes = append(finishes, c.finish(Complete, plainly, func(f *Finish) {
				f.Kind, f.Ran = strings.Repeat("k", 100)+strconv.Itoa(i), time.Duration(i)*time.Minute
			}))
		}
		r.turn(l, 0, finishes...)
		if all := r.ended(time.Minute); len(all) != 65 || all["other"].Completed != kinds-64 {
			t.Errorf("%d kinds, %v of others; want 64 by name, and %d others", len(all), all["other"], kinds-64)
		}
		r.passMinutes(73 * 60)
		_, err := r.part.Sweep(r.ctx)
		r.must(err)
		rows := r.client.HGetAll(r.ctx, r.part.key(colSeries)).Val()
		if len(rows) != 2 {
			t.Fatalf("series has the fields %v, want an hour and what is first: the minute is too old", len(rows))
		}
		for field, row := range rows {
			if len(row) > 10<<10 {
				t.Errorf("row %s has %d bytes", field, len(row))
			}
			if sum := new(Ends); field != "" {
				readRow(row, func(string) []*Ends { return []*Ends{sum} })
				if sum.Completed != kinds || sum.Runs.Count() != kinds {
					t.Errorf("%s has %v, want all %d", field, sum, kinds)
				}
			}
		}
	})
}

// TestSpoiledSeriesStopNoWork: what cannot be counted is noted, and done all the same.
func TestSpoiledSeriesStopNoWork(t *testing.T) {
	conform(t, func(r *rig) {
		l := r.newLease()
		ids := r.enqueue(r.newJob(), r.newJob())
		claims := r.turn(l, 2).Claims
		mend := r.spoil(colMinute)
		r.turn(l, 0, claims[0].finish(Complete, counted, plainly))
		r.must(r.part.Cancel(r.ctx, ids[1]))
		r.turn(l, 0, claims[1].finish(Fail, counted))
		mend()
		if s := r.summary(); s.Totals["completed"] != 1 || s.Totals["cancelled"] != 1 || s.Totals["uncounted"] != 2 {
			t.Errorf("totals = %v, want one completed, one cancelled, and two calls uncounted", s.Totals)
		}
	})
}
