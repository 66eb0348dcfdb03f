package jobs

import (
	"testing"
	"time"
)

func TestWaitHearsTheBell(t *testing.T) {
	conform(t, func(r *rig) {
		heard := make(chan *Partition, 1)
		go func() {
			p, err := r.Wait(r.ctx, "", 5*time.Second, r.part)
			if err != nil {
				r.t.Error(err)
			}
			heard <- p
		}()
		r.enqueue(r.newJob())
		if p := <-heard; p != r.part {
			r.t.Errorf("heard %v, want %v", p, r.part)
		}
		if len(r.raw().lists[colBell]) != 0 {
			r.t.Error("the bell was heard and rings on")
		}
		r.must(r.part.Ring(r.ctx))
		r.must(r.part.Ring(r.ctx))
		if p, err := r.Wait(r.ctx, "", time.Second, r.part); p != r.part || err != nil {
			r.t.Errorf("heard %v, %v; want the bell that was rung again", p, err)
		}
	})
}

func TestWaitEndsInSilence(t *testing.T) {
	conform(t, func(r *rig) {
		r.must(r.part.Ring(r.ctx)) // there is nothing to claim
		if p, err := r.Wait(r.ctx, "", time.Second, r.part); p != nil || err != nil {
			r.t.Errorf("heard %v, %v; want nothing", p, err)
		}
	})
}
