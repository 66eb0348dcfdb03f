package board

import (
	"testing"
	"time"
)

// TestRatesAreWhatHappenedBetweenReadings, spread evenly, and unknown where nobody looked.
func TestRatesAreWhatHappenedBetweenReadings(t *testing.T) {
	t.Parallel()
	now := time.UnixMilli(1_800_000_000_000)
	h := &history{step: 10 * time.Second, steps: 60}
	h.add(point{at: now.Add(-100 * time.Second)})
	h.add(point{at: now.Add(-60 * time.Second), enqueued: 400, ended: 200})
	h.add(point{at: now, enqueued: 400, ended: 320, fails: 6})
	r := h.rates(now)
	if r.NowIn != 0 || r.NowOut != 2 || r.NowFails != 0.1 {
		t.Errorf("now %v in, %v out, %v fails; want 0, 2, 0.1", r.NowIn, r.NowOut, r.NowFails)
	}
	if first := r.In[h.steps-10]; first != 10 || r.In[h.steps-11] != -1 || r.In[h.steps-1] != 0 {
		t.Errorf("in %v", r.In)
	}
	h.add(point{at: now.Add(time.Second), enqueued: 1}) // the queue was made anew
	if r := h.rates(now.Add(time.Second)); r.NowIn != -1 {
		t.Errorf("after a fall of the totals: %v", r.NowIn)
	}
	for i := range 5000 {
		h.add(point{at: now.Add(time.Duration(i) * time.Second), enqueued: int64(i)})
	}
	if n := len(h.points); n > int(h.span()/time.Second)+2 {
		t.Errorf("%d points are kept", n)
	}
}

// TestAlignedStepsStay: what was shown of a step that is over stays so while readings come.
func TestAlignedStepsStay(t *testing.T) {
	t.Parallel()
	begin := time.UnixMilli(1_800_000_000_000)
	h := &history{step: 5 * time.Second, steps: 12, aligned: true}
	var before float64
	for i := range 10 {
		now := begin.Add(time.Duration(i) * time.Second)
		h.add(point{at: now, enqueued: int64(i * i)})
		r := h.rates(now)
		if i < 6 {
			continue
		}
		if got := r.In[h.steps-2]; i > 6 && got != before { // of the seconds 0 to 5
			t.Errorf("after %d s: %v, before it was %v", i, got, before)
		} else {
			before = got
		}
		if r.In[h.steps-1] < 0 {
			t.Errorf("after %d s nothing is known of the step that goes on", i)
		}
	}
}
