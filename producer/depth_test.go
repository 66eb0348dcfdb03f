package producer_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/drayhorse/drayhorse"
	"github.com/drayhorse/drayhorse/admin"
	"github.com/drayhorse/drayhorse/internal/redistest"
	"github.com/drayhorse/drayhorse/producer"
)

// TestAFullQueueIsAnErrorOfItsOwn: what there is no room for is not stored, and named; the
// rest goes in.
func TestAFullQueueIsAnErrorOfItsOwn(t *testing.T) {
	t.Parallel()
	url, namespace := redistest.Shared(t), redistest.Namespace(t)
	p := open(t, producer.Config{RedisURL: url, Namespace: namespace})
	a, err := admin.New(admin.Config{RedisURL: url, Namespace: namespace})
	if err != nil {
		t.Fatal(err)
	}
	defer a.Close()
	if err := a.SetMaxDepth(t.Context(), "mail", 3); !errors.Is(err, drayhorse.ErrNotFound) {
		t.Errorf("the depth of a queue that is not there: %v", err)
	}
	mail := drayhorse.Queue("mail")
	if _, err := p.Enqueue(t.Context(), welcome{}, mail); err != nil {
		t.Fatal(err)
	}
	if err := a.SetMaxDepth(t.Context(), "mail", 3); err != nil {
		t.Fatal(err)
	}
	var specs []drayhorse.Spec
	for i := range 5 {
		specs = append(specs, drayhorse.Spec{Args: welcome{}, Options: []drayhorse.Option{mail, drayhorse.ID(fmt.Sprint(i))}})
	}
	specs = append(specs, drayhorse.Spec{Args: welcome{}})
	infos, err := p.EnqueueMany(t.Context(), specs)
	many, ok := errors.AsType[*producer.ManyError](err)
	if !ok || !errors.Is(err, drayhorse.ErrQueueFull) || many.Stored != 3 || !slices.Equal(many.Full, []int{2, 3, 4}) || !slices.Equal(many.Unknown, many.Full) {
		t.Fatalf("err = %+v, want 3 stored and the others refused", err)
	}
	if want := "3 of 6 specs are stored; not spec 2-4: queue mail is full: it has the 3 jobs that it may have"; err.Error() != want {
		t.Errorf("err = %q, want %q", err, want)
	}
	for i, info := range infos {
		if (info == nil) != slices.Contains(many.Full, i) {
			t.Errorf("info %d = %+v", i, info)
		}
	}
	if !producer.OnlyRejected(infos, err) || !strings.Contains(producer.Refused(err)[3].Error(), "queue mail is full") {
		t.Errorf("refused = %v; want it known what became of each", producer.Refused(err))
	}
	info, err := p.Enqueue(t.Context(), welcome{}, mail)
	full, ok := errors.AsType[*drayhorse.QueueFullError](err)
	if info != nil || !ok || full.Queue != "mail" || full.Depth != 3 || errors.Is(err, drayhorse.ErrUnavailable) {
		t.Errorf("%+v, %v; want a QueueFullError", info, err)
	}
	if again, err := p.Enqueue(t.Context(), welcome{}, mail, drayhorse.ID("0")); err != nil || !again.Duplicate {
		t.Errorf("%+v, %v; want a duplicate", again, err)
	}
	if q, err := a.Queue(t.Context(), "mail"); err != nil || q.MaxDepth != 3 || q.Available != 3 || q.Totals["refused"] != 4 {
		t.Errorf("%+v, %v; want 3 of 3 jobs and 4 refused", q, err)
	}
}
