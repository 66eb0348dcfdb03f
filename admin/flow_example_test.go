package admin_test

import (
	"context"
	"fmt"
	"time"

	"github.com/drayhorse/drayhorse"
	"github.com/drayhorse/drayhorse/admin"
	"github.com/drayhorse/drayhorse/flow"
)

// A flow of which a step fails: why it has not ended, a signal, and a retry of what failed.
func ExampleAdmin_RetryFlow() {
	withShop(func(ctx context.Context, s *shop) {
		f := flow.New("welcome-42")
		welcome := f.Step("welcome", Mail{"ada@example.org"}, drayhorse.Queue("mail"), drayhorse.MaxAttempts(1))
		f.Step("offer", Mail{"ada@example.org"}, drayhorse.Queue("mail")).After(f.Signal("agreed", time.Hour)).AfterHold(welcome)
		_, err := s.producer.Submit(ctx, f)
		must(err)
		_, err = s.admin.SignalFlow(ctx, "welcome-42", "agreed", true)
		must(err)
		agreed, err := s.admin.FlowResult(ctx, "welcome-42", "agreed")
		fmt.Println(string(agreed), err)
		s.work(ctx, func() {
			for {
				info, err := s.admin.Flow(ctx, "welcome-42")
				must(err)
				if info.Discarded == 1 {
					break
				}
				time.Sleep(10 * time.Millisecond)
			}
		})
		why, err := s.admin.ExplainFlow(ctx, "welcome-42")
		for _, step := range why {
			fmt.Println(step.Step, step.State, err)
		}
		info, err := s.admin.RetryFlow(ctx, "welcome-42", flow.FailedOnly)
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Println(info.State, info.Discarded)
	})
	// Output:
	// true <nil>
	// offer held <nil>
	// running 0
}

// A batch whose jobs nobody runs.
func ExampleAdmin_StuckFlows() {
	withShop(func(ctx context.Context, s *shop) {
		b, err := s.producer.NewBatch(ctx, flow.Batch{ID: "import-42"})
		must(err)
		_, err = b.Add(ctx, drayhorse.Spec{Args: Mail{"ada@example.org"}, Options: []drayhorse.Option{drayhorse.Queue("mail")}})
		must(err)
		must(b.Close(ctx))
		stuck, err := s.admin.StuckFlows(ctx)
		must(err)
		for _, f := range stuck {
			fmt.Println(f.Flow.ID, f.Flow.State, "-", f.Why)
		}
	})
	// Output: import-42 running - no worker runs
}

// All batches and flows, page by page.
func ExampleAdmin_FlowPage() {
	withShop(func(ctx context.Context, s *shop) {
		for _, id := range []string{"monday", "tuesday"} {
			_, err := s.producer.NewBatch(ctx, flow.Batch{ID: id})
			must(err)
			time.Sleep(2 * time.Millisecond) // what is made in one ms is on one page
		}
		for page := (&admin.FlowPage{}); ; {
			var err error
			page, err = s.admin.FlowPage(ctx, page.Next, 1)
			must(err)
			for _, f := range page.Flows {
				fmt.Println(f.ID, f.State)
			}
			if page.Next == "" {
				return
			}
		}
	})
	// Output:
	// tuesday open
	// monday open
}

// What ended in the last hour.
func ExampleAdmin_Series() {
	withShop(func(ctx context.Context, s *shop) {
		s.enqueue(ctx, "ada@example.org", "bob@example.org")
		s.work(ctx, func() {
			for {
				series, err := s.admin.Series(ctx, admin.SeriesQuery{Queue: "mail"})
				must(err)
				if series.Total.Discarded == 2 {
					fmt.Println(series.Kinds[0].Kind, series.Kinds[0].Discarded, len(series.Points) > 1)
					return
				}
				time.Sleep(10 * time.Millisecond)
			}
		})
	})
	// Output: mail 2 true
}
