package admin_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/drayhorse/drayhorse"
	"github.com/drayhorse/drayhorse/admin"
	"github.com/drayhorse/drayhorse/internal/redistest"
	"github.com/drayhorse/drayhorse/producer"
)

// TestJobsAreFoundInWords: by the fields of a filter, by its words, and by both.
func TestJobsAreFoundInWords(t *testing.T) {
	onEach(t, func(t *testing.T, y *yard) {
		for i := range 3 {
			y.enqueue("mail", drayhorse.Queue("q"), drayhorse.ID(fmt.Sprintf("order-%d", i)), drayhorse.Tags("import", fmt.Sprintf("part-%d", i)))
		}
		y.enqueue("mail", drayhorse.Queue("p"), drayhorse.ID("order-9"))
		y.enqueue("other", drayhorse.Queue("q"), drayhorse.ID("order-8"), drayhorse.In(time.Hour))
		for _, c := range []struct {
			filter admin.Filter
			want   []string
		}{
			{admin.Filter{Where: "queue:q kind:mail"}, []string{"order-0", "order-1", "order-2"}},
			{admin.Filter{Where: "id:order-9"}, []string{"order-9"}},
			{admin.Filter{Where: "state:scheduled"}, []string{"order-8"}},
			{admin.Filter{Queue: "q", Where: "state:available id:order-1"}, []string{"order-1"}},
			{admin.Filter{Queue: "q", Kind: "mail", Where: "queue:q after:1h"}, []string{"order-0", "order-1", "order-2"}},
			{admin.Filter{Where: "before:1h"}, nil},
			{admin.Filter{Where: "error:x"}, nil},
			{admin.Filter{Where: "PART-1"}, []string{"order-1"}},
			{admin.Filter{Where: "other"}, []string{"order-8"}},
			{admin.Filter{Where: "worker:nobody"}, nil},
			{admin.Filter{Where: "tag:import"}, []string{"order-0", "order-1", "order-2"}},
			{admin.Filter{Where: "tag:import tag:part-1"}, []string{"order-1"}},
			{admin.Filter{Where: "tag:part-0 tag:part-1"}, nil},
		} {
			page, err := y.admin.Jobs(t.Context(), c.filter)
			if err != nil {
				t.Errorf("%+v: %v", c.filter, err)
				continue
			}
			var ids []string
			for _, j := range page.Jobs {
				ids = append(ids, j.ID)
			}
			if slices.Sort(ids); !slices.Equal(ids, c.want) {
				t.Errorf("%+v: %v; want %v", c.filter, ids, c.want)
			}
		}
		for _, f := range []admin.Filter{{Queue: "q", Where: "queue:p"}, {Where: "nonsense:1"}, {State: drayhorse.Running, Where: "state:available"}, {Kind: "a", Where: "kind:b"}} {
			if _, err := y.admin.Jobs(t.Context(), f); !errors.Is(err, drayhorse.ErrInvalid) {
				t.Errorf("%+v: %v; want ErrInvalid", f, err)
			}
		}
		if _, err := y.admin.Jobs(t.Context(), admin.Filter{Where: "queue:none"}); !errors.Is(err, drayhorse.ErrNotFound) {
			t.Errorf("of no queue: %v", err)
		}
	})
}

// TestAPageGoesOverEmptyPartitions to the only job that there is.
func TestAPageGoesOverEmptyPartitions(t *testing.T) {
	onEach(t, func(t *testing.T, y *yard) {
		if _, err := y.admin.CreateQueue(t.Context(), "a", 16); err != nil {
			t.Fatal(err)
		}
		id := y.enqueue("rare", drayhorse.Queue("z"))
		page, err := y.admin.Jobs(t.Context(), admin.Filter{Where: "rare"})
		if err != nil || len(page.Jobs) != 1 || page.Jobs[0].ID != id || page.Looked != 1 {
			t.Errorf("%+v, %v; want job %s, the only one that was looked at", page, err, id)
		}
	})
}

// TestAPageThatLacksOneJob looks at many at once for it.
func TestAPageThatLacksOneJob(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t)
	a, err := admin.New(admin.Config{RedisURL: server.URL})
	if err != nil {
		t.Fatal(err)
	}
	defer a.Close()
	p, err := producer.New(producer.Config{RedisURL: server.URL})
	if err != nil {
		t.Fatal(err)
	}
	const jobs = 2000
	specs := make([]drayhorse.Spec, jobs)
	for i := range specs {
		kind := "common"
		if i == 0 {
			kind = "rare"
		}
		specs[i].Args = drayhorse.Raw(kind, nil)
	}
	if _, err := p.EnqueueMany(t.Context(), specs); err != nil {
		t.Fatal(err)
	}
	if err := p.Close(); err != nil {
		t.Fatal(err)
	}
	client := server.Client(t)
	scripts := func() (n int) {
		text, err := client.Info(t.Context(), "commandstats").Result()
		if err != nil {
			t.Fatal(err)
		}
		_, rest, _ := strings.Cut(text, "cmdstat_evalsha:calls=")
		_, _ = fmt.Sscanf(rest, "%d", &n)
		return n
	}
	before := scripts()
	page, err := a.Jobs(t.Context(), admin.Filter{Queue: "default", State: drayhorse.Available, Kind: "rare", Limit: 2})
	if err != nil || len(page.Jobs) != 1 || page.Next != "" || page.Looked != jobs {
		t.Fatalf("%+v, %v; want the one job of %d that are looked at, and no more pages", page, err, jobs)
	}
	if n := scripts() - before; n > 2*jobs/100+10 {
		t.Errorf("%d scripts for a page of %d jobs; want two for a hundred of them", n, jobs)
	}
}
