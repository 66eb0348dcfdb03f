package producer_test

import (
	"errors"
	"testing"
	"time"

	"github.com/drayhorse/drayhorse"
	"github.com/drayhorse/drayhorse/flow"
	"github.com/drayhorse/drayhorse/internal/redistest"
	"github.com/drayhorse/drayhorse/producer"
)

// TestAFlowOfOtherOptionsIsAnother: every option that a step may have.
func TestAFlowOfOtherOptionsIsAnother(t *testing.T) {
	t.Parallel()
	p := open(t, producer.Config{RedisURL: redistest.Shared(t), Namespace: redistest.Namespace(t)})
	draw := func(options ...drayhorse.Option) *flow.Flow {
		f := flow.New("one")
		f.Step("step", sum{}, options...)
		return f
	}
	submit(t, p, draw())
	for name, option := range map[string]drayhorse.Option{
		"Queue": drayhorse.Queue("other"), "At": drayhorse.At(time.Now().Add(time.Hour)), "MaxAttempts": drayhorse.MaxAttempts(3),
		"Timeout": drayhorse.Timeout(time.Second), "Retain": drayhorse.Retain(time.Hour), "StartWithin": drayhorse.StartWithin(time.Hour),
		"Priority": drayhorse.High, "Group": drayhorse.Group("tenant-42"), "Tags": drayhorse.Tags("eu"),
	} {
		if _, err := p.Submit(t.Context(), draw(option)); !errors.Is(err, drayhorse.ErrDuplicate) {
			t.Errorf("with another %s: %v, want ErrDuplicate", name, err)
		}
	}
}
