package outbox

import (
	"context"
	"fmt"
	"sync/atomic"

	redisconn "github.com/drayhorse/drayhorse/internal/redis"
)

// listening is whether rings are known to arrive: until then a relay polls as if there
// were none.
type listening struct{ proved atomic.Bool }

// listenOn listens until ctx ends.
func (r *relay) listenOn(ctx context.Context) {
	trouble := outage{log: r.log, message: "the outbox does not hear of commits, and polls"}
	backoff := redisconn.NewBackoff(firstWait, lastWait)
	for ctx.Err() == nil {
		err := r.listen(ctx, r.channel(), func() {
			r.listening.proved.Store(true)
			select {
			case r.wakes <- struct{}{}:
			default: // it is awake already
			}
		})
		if r.listening.proved.Swap(false) {
			trouble.over()
			backoff.Reset()
		}
		if ctx.Err() != nil {
			return
		}
		if err == nil {
			err = fmt.Errorf("outbox: Listen has returned")
		}
		trouble.failed(err)
		backoff.Wait(ctx)
	}
}
