package measure

import "testing"

func TestTally(t *testing.T) {
	for name, jobs := range map[string][]int{
		"one missing":        {0, 1},
		"one twice":          {0, 1, 2, 2},
		"one never enqueued": {0, 1, 2, 3},
	} {
		tally := NewTally(3)
		for _, job := range jobs {
			tally.Add(job)
		}
		if tally.Check() == nil {
			t.Errorf("%s: found nothing wrong", name)
		}
	}
	tally := NewTally(3)
	for _, job := range []int{2, 0, 1} {
		tally.Add(job)
	}
	<-tally.All
	if err := tally.Check(); err != nil {
		t.Errorf("each once: %v", err)
	}
}
