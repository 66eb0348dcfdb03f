package drain

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/hibiken/asynq"

	"github.com/drayhorse/drayhorse"
	"github.com/drayhorse/drayhorse/internal/asynqtask"
	"github.com/drayhorse/drayhorse/internal/jobs"
)

// maxArgs is how many bytes of arguments a job may have: the most that a producer can
// be told to take.
const maxArgs = 16 << 20

// move is one task with the job that it becomes.
type move struct {
	task *asynq.TaskInfo
	job  *jobs.NewJob
}

// store stores tasks and gives the IDs of those that may go from asynq: of which the
// jobs are here, through this call or an earlier one.
func (m *mover) store(ctx context.Context, tasks []*asynq.TaskInfo) (ids []string, err error) {
	if len(tasks) == 0 {
		return nil, nil
	}
	partitions, err := m.cfg.To.Queue(ctx, m.To)
	if err != nil {
		return nil, err
	}
	now := time.Now()
	groups := map[*jobs.Partition][]move{}
	for _, task := range tasks {
		job := asynqtask.Job(task, now)
		if n := len(job.Envelope.Args); n > maxArgs {
			m.keep(task, fmt.Sprintf("its arguments have %d bytes; want at most %d", n, maxArgs))
			continue
		}
		part := jobs.PartitionOf(partitions, job.ID)
		groups[part] = append(groups[part], move{task, job})
	}
	for part, moves := range groups {
		stored, err := m.storeIn(ctx, part, moves)
		ids = append(ids, stored...)
		if err != nil {
			return ids, err
		}
	}
	if m.cfg.Progress != nil {
		m.cfg.Progress(&m.Queue)
	}
	return ids, nil
}

func (m *mover) storeIn(ctx context.Context, part *jobs.Partition, moves []move) (ids []string, err error) {
	writer := m.writers[part]
	if writer == nil {
		writer = jobs.NewWriter(part)
		m.writers[part] = writer
	}
	all := make([]*jobs.NewJob, len(moves))
	for i, mv := range moves {
		all[i] = mv.job
	}
	stored, err := writer.Enqueue(ctx, all...)
	if err != nil {
		return nil, err
	}
	var duplicates []move
	for i, s := range stored {
		if s.Full {
			continue // it stays in asynq
		}
		if s.Duplicate {
			duplicates = append(duplicates, moves[i])
			continue
		}
		m.Moved[moves[i].task.State]++
		ids = append(ids, moves[i].task.ID)
	}
	known, err := m.known(ctx, part, duplicates)
	return append(ids, known...), cmp.Or(err, part.FullError(stored...))
}

// known gives the IDs of the tasks that are here already. A job of the same ID that
// does something else is another task: asynq lets an ID be used again once its task
// is gone.
func (m *mover) known(ctx context.Context, part *jobs.Partition, duplicates []move) (ids []string, err error) {
	for page := range slices.Chunk(duplicates, jobs.MaxPage) {
		stored := make([]string, len(page))
		for i, mv := range page {
			stored[i] = mv.job.ID
		}
		found, err := part.Inspect(ctx, stored...)
		if err != nil {
			return ids, err
		}
		for i, mv := range page {
			if differs(found[i], mv.job.Envelope) {
				m.keep(mv.task, "the queue has another job of this ID, which is "+string(found[i].State))
				continue
			}
			m.Known[mv.task.State]++
			ids = append(ids, mv.task.ID)
		}
	}
	return ids, nil
}

// differs reports whether what is known of a job is not of the envelope's job. Of one
// that has completed there may be its ID alone.
func differs(info *drayhorse.Info, e *jobs.Envelope) bool {
	return info != nil && info.Kind != "" && (info.Kind != e.Kind || !bytes.Equal(info.Args, e.Args))
}

func (m *mover) keep(task *asynq.TaskInfo, reason string) {
	if !m.kept[task.ID] { // a page may be read more than once
		m.kept[task.ID] = true
		m.Kept = append(m.Kept, Kept{ID: task.ID, State: task.State, Reason: reason})
	}
}
