package jobs

import (
	"bytes"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/drayhorse/drayhorse"
)

// reporting is a claim whose handler reports.
type reporting struct {
	*rig
	l      *Lease
	claim  Claim
	number uint64
}

// claimOne claims the next job.
func (r *rig) claimOne(l *Lease) *reporting {
	r.t.Helper()
	return &reporting{rig: r, l: l, claim: r.turn(l, 1).Claims[0]}
}

// say writes a report, and says whether the job is still under the claim.
func (r *reporting) say(change func(*Report)) bool {
	r.t.Helper()
	r.number++
	report := &Report{ID: r.claim.ID, Seq: r.claim.Seq, Number: r.number, Attempt: r.claim.Failed + 1}
	change(report)
	held := true
	for range 2 { // the second time it does nothing
		r.Report(r.ctx, []LeaseReports{{r.l, []*Report{report}}}, func(*Report, error) { held = false }, func(*Report) { r.t.Error("no answer") })
	}
	return held
}

func (r *reporting) finish(outcome Outcome) { r.turn(r.l, 0, r.claim.finish(outcome)) }

func lines(from, n int) func(*Report) {
	return func(r *Report) {
		for i := range n {
			r.Log = AppendLogLine(r.Log, &drayhorse.LogLine{Attempt: r.Attempt, At: time.UnixMilli(1), Level: slog.LevelWarn, Message: fmt.Sprint("line ", from+i), Attrs: []byte(`{"k":1}`)})
			r.Lines++
		}
	}
}

func stream(name string, data []byte) func(*Report) {
	return func(r *Report) { r.Streams = append(r.Streams, StreamWrite{name, data}) }
}

// readAll reads a stream to its end.
func (r *rig) readAll(id, name string, offset int64) (data []byte, last *StreamState) {
	r.t.Helper()
	for {
		s, err := r.part.ReadStream(r.ctx, id, name, offset)
		r.must(err)
		if len(s.Data) == 0 {
			return data, s
		}
		data, offset = append(data, s.Data...), s.Offset+int64(len(s.Data))
	}
}

func TestReportsOfOneJob(t *testing.T) {
	conform(t, func(r *rig) {
		id := r.enqueue(r.newJob(retained))[0]
		x := r.claimOne(r.newLease())
		if !x.say(func(r *Report) {
			r.Progress = &drayhorse.Progress{Fraction: 0.4, Text: "a|b", Attempt: 1, At: time.UnixMilli(5)}
		}) {
			t.Error("refused")
		}
		x.say(lines(0, 3))
		if p := r.info(id).Progress; p == nil || p.Fraction != 0.4 || p.Text != "a|b" || p.Attempt != 1 || p.At.UnixMilli() != 5 {
			t.Errorf("progress = %+v", p)
		}
		log, live, err := r.part.Log(r.ctx, id)
		r.must(err)
		if !live || len(log.Lines) != 3 || log.Lines[2].Message != "line 2" || log.Lines[2].Level != slog.LevelWarn || string(log.Lines[2].Attrs) != `{"k":1}` {
			t.Errorf("log = %+v", log)
		}
		x.finish(Complete)
		if x.say(lines(3, 1)) {
			t.Error("a report after the end counts")
		}
		if p := r.info(id).Progress; p == nil {
			t.Error("the progress went with the end of a job that is kept")
		}
		r.must(r.part.Retry(r.ctx, id))
		y := r.claimOne(r.newLease())
		y.say(lines(3, 1))
		if log, _, _ := r.part.Log(r.ctx, id); len(log.Lines) != 4 {
			t.Errorf("after a retry the log has %d lines, want 4", len(log.Lines))
		}
		y.finish(Exhaust)
		r.must(r.part.Delete(r.ctx, id))
		r.wantNoReports()
	})
}

func (r *rig) wantNoReports() {
	r.t.Helper()
	if n := r.client.Exists(r.ctx, r.part.key(colReports)).Val(); n != 0 {
		r.t.Errorf("reports are left: %q", r.raw().hashes[colReports])
	}
}

// waysOut are all ways in which a job goes, and nothing is kept of it.
func waysOut() map[string]func(r *rig, x *reporting) {
	return map[string]func(r *rig, x *reporting){
		"completed, plain": func(r *rig, x *reporting) {
			r.turn(x.l, 0, Finish{ID: x.claim.ID, Seq: x.claim.Seq, Outcome: Complete})
		},
		"completed": func(_ *rig, x *reporting) { x.finish(Complete) },
		"deleted": func(r *rig, x *reporting) {
			x.finish(Fail)
			r.must(r.part.Delete(r.ctx, x.claim.ID))
		},
		"purged": func(r *rig, x *reporting) {
			x.finish(Release)
			_, err := r.part.Purge(r.ctx, drayhorse.Available)
			r.must(err)
		},
		"trimmed": func(r *rig, x *reporting) {
			x.finish(Exhaust)
			_, err := r.part.sweep(r.ctx, 0, MaxArchivedBytes)
			r.must(err)
		},
		"trimmed by bytes": func(r *rig, x *reporting) {
			x.finish(Exhaust)
			_, err := r.part.sweep(r.ctx, MaxArchived, 100)
			r.must(err)
		},
		"expired": func(r *rig, x *reporting) {
			x.finish(Cancel)
			r.must(r.client.ZAdd(r.ctx, r.part.key(colExpiry), at(x.claim.ID, time.Now().Add(-time.Minute))).Err())
			_, err := r.part.Sweep(r.ctx)
			r.must(err)
		},
		"purged after its end": func(r *rig, x *reporting) {
			x.finish(Exhaust)
			_, err := r.part.Purge(r.ctx, drayhorse.Discarded)
			r.must(err)
		},
		"with its queue": func(r *rig, x *reporting) {
			x.finish(Exhaust)
			r.must(r.DropQueues(r.ctx, true, r.part.Queue)[0].Err)
		},
	}
}

// TestReportsGoWithTheirJob, at every way out.
func TestReportsGoWithTheirJob(t *testing.T) {
	all := func(r *Report) {
		lines(0, 2)(r)
		r.Progress = &drayhorse.Progress{Fraction: 1}
	}
	for name, out := range waysOut() {
		t.Run(name, func(t *testing.T) {
			conform(t, func(r *rig) {
				r.enqueue(r.newJob())
				x := r.claimOne(r.newLease())
				x.say(all)
				if strings.Contains(name, "trimmed") || strings.Contains(name, "expired") || strings.Contains(name, "after") {
					x.say(stream("s", bytes.Repeat([]byte("x"), 40_000)))
				}
				out(r, x)
				r.wantNoReports()
			})
		})
	}
}

// TestLogsAreBounded: the oldest lines of an attempt go, and those of earlier attempts first of
// the job's.
func TestLogsAreBounded(t *testing.T) {
	conform(t, func(r *rig) {
		id := r.enqueue(r.newJob())[0]
		l := r.newLease()
		for attempt := range 3 {
			x := r.claimOne(l)
			for n := range 13 {
				x.say(lines(n*100, 100))
			}
			log, _, err := r.part.Log(r.ctx, id)
			r.must(err)
			want, dropped := min(1000*(attempt+1), 2000), 300*(attempt+1)+1000*max(attempt-1, 0)
			if len(log.Lines) != want || log.Dropped != dropped || log.Lines[want-1].Message != "line 1299" || log.Lines[want-1].Attempt != attempt+1 {
				t.Fatalf("attempt %d: %d lines, %d dropped; want %d, %d", attempt+1, len(log.Lines), log.Dropped, want, dropped)
			}
			x.finish(Fail)
		}
		x := r.claimOne(l)
		x.say(func(r *Report) {
			for range 100 {
				r.Log = AppendLogLine(r.Log, &drayhorse.LogLine{Attempt: 4, Message: strings.Repeat("x", 4000)})
				r.Lines++
			}
		})
		if n := len(r.raw().hashes[colReports]["l"+id]); n > 256<<10+100 {
			t.Errorf("the log has %d bytes", n)
		}
	})
}

// TestStreams: all is there for who comes late, and a new run begins anew.
func TestStreams(t *testing.T) {
	conform(t, func(r *rig) {
		id := r.enqueue(r.newJob())[0]
		l := r.newLease()
		x := r.claimOne(l)
		var want []byte
		for i := range 300 { // of every size beside that of segments
			part := bytes.Repeat([]byte{byte('a' + i%26)}, i*3)
			want = append(want, part...)
			x.say(stream("tokens", part))
		}
		x.say(stream("other", []byte("1")))
		got, s := r.readAll(id, "tokens", 0)
		if !bytes.Equal(got, want) || !s.Live || s.Attempt != 1 || s.Stop != int64(len(want)) {
			t.Fatalf("read %d bytes of %d: %+v", len(got), len(want), s)
		}
		for _, offset := range []int64{1, 16383, 16384, 16385, 70_000, int64(len(want))} {
			if got, _ := r.readAll(id, "tokens", offset); !bytes.Equal(got, want[offset:]) {
				t.Errorf("from %d on: %d bytes, want %d", offset, len(got), len(want[offset:]))
			}
		}
		x.finish(Fail)
		y := r.claimOne(l)
		y.say(func(r *Report) { r.Progress = &drayhorse.Progress{} })
		if got, _ := r.readAll(id, "tokens", 0); !bytes.Equal(got, want) {
			t.Error("a run that has written nothing drops what was written")
		}
		y.say(stream("tokens", []byte("again")))
		got, s = r.readAll(id, "tokens", 0)
		if string(got) != "again" || s.Attempt != 2 || s.Start != int64(len(want)) {
			t.Errorf("of a new run: %q, %+v", got, s)
		}
		if got, s := r.readAll(id, "other", 0); len(got) != 0 || !s.Found {
			t.Errorf("of a stream that it has not written to: %q, %+v", got, s)
		}
		y.finish(Complete) // it keeps nothing, and is there for a minute
		if got, s := r.readAll(id, "tokens", 0); string(got) != "again" || s.Live {
			t.Errorf("after the end: %q, %+v", got, s)
		}
		if left := r.raw().scores[colExpiry][id] - r.raw().scores[colCompleted][id]; left != 60_000 {
			t.Errorf("kept for %d ms, want a minute", left)
		}
	})
}
