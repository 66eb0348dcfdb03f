package producer_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/drayhorse/drayhorse"
	"github.com/drayhorse/drayhorse/admin"
	"github.com/drayhorse/drayhorse/internal/redistest"
	"github.com/drayhorse/drayhorse/producer"
)

// TestAGroupOnSeveralPartitions: its jobs are found by the IDs that are made for them; an ID of the
// caller's own is refused, and of many specs all with it.
func TestAGroupOnSeveralPartitions(t *testing.T) {
	t.Parallel()
	url, namespace := redistest.Shared(t), redistest.Namespace(t)
	a, err := admin.New(admin.Config{RedisURL: url, Namespace: namespace})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = a.Close() })
	if _, err := a.CreateQueue(t.Context(), "wide", 4); err != nil {
		t.Fatal(err)
	}
	p := open(t, producer.Config{RedisURL: url, Namespace: namespace})
	wide, group := drayhorse.Queue("wide"), drayhorse.Group("tenant-42")
	refused := func(err error) {
		t.Helper()
		if !errors.Is(err, drayhorse.ErrInvalid) || !strings.Contains(err.Error(), `ID("own") with Group("tenant-42") on queue wide of 4 partitions`) {
			t.Errorf("error %v; want ErrInvalid, with the ID, the group and the queue", err)
		}
	}
	_, err = p.Enqueue(t.Context(), welcome{}, wide, group, drayhorse.ID("own"))
	refused(err)
	specs := []drayhorse.Spec{
		{Args: welcome{UserID: 1}, Options: []drayhorse.Option{wide, group}},
		{Args: welcome{UserID: 2}, Options: []drayhorse.Option{wide, group, drayhorse.ID("own")}},
	}
	_, err = p.EnqueueMany(t.Context(), specs)
	if refused(err); err == nil || !strings.HasPrefix(err.Error(), "spec 1: ") {
		t.Errorf("error %v; want the index of the spec", err)
	}
	if q, err := a.Queue(t.Context(), "wide"); err != nil || q.Available != 0 {
		t.Errorf("%+v, %v; want nothing stored", q, err)
	}
	infos, err := p.EnqueueMany(t.Context(), append(specs[:1:1], specs[0], specs[0]))
	if err != nil {
		t.Fatal(err)
	}
	for _, info := range infos {
		if got, err := p.Get(t.Context(), info.ID, wide); err != nil || got.Group != "tenant-42" {
			t.Errorf("%+v, %v; want the job", got, err)
		}
	}
	if q, err := a.Queue(t.Context(), "wide"); err != nil || q.Grouped != 3 || q.Groups != 1 {
		t.Errorf("%+v, %v; want three jobs of one group, in one partition", q, err)
	}
}
