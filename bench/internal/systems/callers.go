package systems

import (
	"context"
	"errors"
	"sync"
)

// EnqueueFrom stores the jobs 0 to n-1 from that many goroutines, a call for each.
func EnqueueFrom(ctx context.Context, s Session, callers, n int) error {
	if remote, ok := s.(Remote); ok {
		return remote.EnqueueFrom(ctx, callers, n)
	}
	return spread(callers, 0, n, func(job int) error { return s.Enqueue(ctx, job) })
}

// spread calls do for first to first+n-1 from that many goroutines.
func spread(callers, first, n int, do func(job int) error) error {
	var wg sync.WaitGroup
	errs := make([]error, callers)
	for c := range callers {
		wg.Go(func() {
			for job := first + c; job < first+n && errs[c] == nil; job += callers {
				errs[c] = do(job)
			}
		})
	}
	wg.Wait()
	return errors.Join(errs...)
}
