package jobs

import (
	"strconv"
	"testing"
	"time"

	"github.com/drayhorse/drayhorse"
)

func TestBeatRenewsAndLeaveDrops(t *testing.T) {
	conform(t, func(r *rig) {
		r.enqueue(r.newJob())
		l := r.newLease()
		c := r.turn(l, 1).Claims[0]
		r.must(r.client.ZAdd(r.ctx, r.part.key(colLeases), at(l.Name, r.summary().Now.Add(-LeaseTime))).Err())
		before := r.score(l)
		r.must(r.Beat(r.ctx, l)[0].Err)
		if r.score(l) == before {
			r.t.Fatal("a beat changes no score")
		}
		r.turn(l, 0, c.finish(Complete))
		r.must(r.Leave(r.ctx, l))
		r.must(r.Leave(r.ctx, l))
		r.wantError(r.Beat(r.ctx, l)[0].Err, drayhorse.ErrLeaseLost)
		if raw := r.raw(); len(raw.scores[colLeases])+len(raw.hashes[colTurns]) != 0 {
			r.t.Fatalf("left behind: %v %v", raw.scores[colLeases], raw.hashes[colTurns])
		}
	})
}

func TestCondemnedLeaseStaysForItsRescue(t *testing.T) {
	conform(t, func(r *rig) {
		r.enqueue(r.newJob())
		l := r.newLease()
		r.turn(l, 1)
		r.must(r.client.ZAdd(r.ctx, r.part.key(colLeases), at(l.Name, time.UnixMilli(0))).Err())
		r.must(r.Leave(r.ctx, l))
		if r.score(l).Value != "0" {
			r.t.Fatal("a condemned lease is gone before its jobs were taken back")
		}
		if rescued := r.kill(l); rescued.Jobs != 1 {
			r.t.Fatalf("rescued %+v, want the job", rescued)
		}
	})
}

func TestBeatsOfManyLeasesAreApart(t *testing.T) {
	conform(t, func(r *rig) {
		var leases []*Lease
		for i := range 3 {
			r.enqueue(r.newJob())
			l := NewLease(r.part, "many"+strconv.Itoa(i))
			r.turn(l, 1)
			leases = append(leases, l)
		}
		r.kill(leases[1])
		for i, reply := range r.Beat(r.ctx, leases...) {
			if i == 1 {
				r.wantError(reply.Err, drayhorse.ErrLeaseLost)
			} else {
				r.must(reply.Err)
			}
		}
	})
}
