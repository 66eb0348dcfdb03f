package handlers

import (
	"context"
	"encoding/json"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/drayhorse/drayhorse"
)

// putOff is how long a job waits that is in a queue whose jobs its handler does not
// take. A worker that does may take it then.
const putOff = time.Minute

// gate lets a handler take jobs of its queues alone. Others are put off, which costs
// them no attempt: like jobs of a kind that no worker serves, they wait for one that
// does. (A worker claims by kind, not by kind and queue, so they come here first.)
func gate(kind string, queues []string, run Func, log *slog.Logger) Func {
	if len(queues) == 0 {
		return run
	}
	var warned sync.Map // by queue
	return func(ctx context.Context, job *drayhorse.Job[json.RawMessage]) error {
		if slices.Contains(queues, job.Queue) {
			return run(ctx, job)
		}
		if _, already := warned.LoadOrStore(job.Queue, true); !already {
			log.WarnContext(ctx, "jobs are put off: their handler does not take jobs of their queue",
				"kind", kind, "queue", job.Queue, "job_id", job.ID, "queues", queues)
		}
		return drayhorse.Snooze(putOff)
	}
}
