package producer_test

import (
	"testing"
	"time"

	"github.com/drayhorse/drayhorse"
)

type bill struct{ Number string }

func (bill) Kind() string { return "bill" }

func (b bill) Options() []drayhorse.Option {
	return []drayhorse.Option{drayhorse.Queue("billing"), drayhorse.MaxAttempts(5), drayhorse.ID("bill-" + b.Number)}
}

// TestArgsBringTheirOptions: what belongs to a kind is said once, beside it.
func TestArgsBringTheirOptions(t *testing.T) {
	p := setup(t)
	info, err := p.Enqueue(t.Context(), bill{"7"}, drayhorse.MaxAttempts(3))
	if err != nil || info.Queue != "billing" || info.ID != "bill-7" || info.MaxAttempts != 3 {
		t.Fatalf("%+v, %v", info, err)
	}
	infos, err := p.EnqueueMany(t.Context(), []drayhorse.Spec{
		{Args: bill{"7"}}, {Args: bill{"8"}, Options: []drayhorse.Option{drayhorse.In(time.Hour)}},
	})
	if err != nil || !infos[0].Duplicate || infos[1].Duplicate || infos[1].Queue != "billing" || infos[1].State != drayhorse.Scheduled {
		t.Errorf("%+v, %v", infos, err)
	}
}
