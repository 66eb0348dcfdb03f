package scale

import (
	"context"
	"errors"
	"sync"
)

// fromMany enqueues n jobs from that many goroutines, a call for each.
func (s *site) fromMany(ctx context.Context, callers, n int) error {
	var wg sync.WaitGroup
	errs := make([]error, callers)
	for c := range callers {
		wg.Go(func() {
			for i := c; i < n && errs[c] == nil; i += callers {
				_, errs[c] = s.producer.Enqueue(ctx, job(i).Args)
			}
		})
	}
	wg.Wait()
	return errors.Join(errs...)
}
