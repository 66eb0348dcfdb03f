package drain

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/hibiken/asynq"

	"github.com/drayhorse/drayhorse/internal/jobs"
)

// removers is how many tasks are removed from asynq at once: each takes round trips
// of its own.
const removers = 16

// roomInArchive is how many archived tasks asynq may have so that more can go there
// for a moment; from 10,000 on it drops the oldest.
const roomInArchive = 5_000

// mover moves the tasks of one queue.
type mover struct {
	Queue

	cfg     Config
	writers map[*jobs.Partition]*jobs.Writer
	kept    map[string]bool // the IDs of Kept
}

func newMover(cfg Config, name, to string, before *asynq.QueueInfo) *mover {
	return &mover{cfg: cfg, writers: map[*jobs.Partition]*jobs.Writer{}, Queue: Queue{
		Name: name, To: to, Before: before, After: before, Moved: map[asynq.TaskState]int{}, Known: map[asynq.TaskState]int{},
	}}
}

// pass moves what there is and gives its number.
func (m *mover) pass(ctx context.Context) (int, error) {
	if err := m.pause(); err != nil {
		return 0, err
	}
	m.Kept, m.kept = nil, map[string]bool{} // what cannot be moved is found again
	total := 0
	for _, state := range States {
		move := m.moveByPage
		if state == asynq.TaskStatePending {
			move = m.movePending
		}
		n, err := move(ctx, state)
		total += n
		if err != nil {
			return total, err
		}
	}
	return total, nil
}

// pause stops asynq's workers from taking tasks of the queue, also when somebody has
// resumed it.
func (m *mover) pause() error {
	info, err := m.cfg.From.GetQueueInfo(m.Name)
	if err != nil || info.Paused {
		return err
	}
	if err := m.cfg.From.PauseQueue(m.Name); err != nil {
		info, lookErr := m.cfg.From.GetQueueInfo(m.Name)
		if lookErr != nil || !info.Paused { // by another drain
			return fmt.Errorf("pause: %w", err)
		}
	}
	return nil
}

// list gives a page, from 1.
func (m *mover) list(state asynq.TaskState, page int) ([]*asynq.TaskInfo, error) {
	from := m.cfg.From
	list := map[asynq.TaskState]func(string, ...asynq.ListOption) ([]*asynq.TaskInfo, error){
		asynq.TaskStateArchived: from.ListArchivedTasks, asynq.TaskStateScheduled: from.ListScheduledTasks,
		asynq.TaskStateRetry: from.ListRetryTasks, asynq.TaskStatePending: from.ListPendingTasks,
	}[state]
	tasks, err := list(m.Name, asynq.PageSize(pageSize), asynq.Page(page))
	if err != nil {
		return nil, fmt.Errorf("list %s tasks: %w", state, err)
	}
	return tasks, nil
}

// moveByPage moves the tasks of a state one page after the other. What is kept stays
// in front, and its pages are passed over.
func (m *mover) moveByPage(ctx context.Context, state asynq.TaskState) (total int, err error) {
	for page := 1; ctx.Err() == nil; {
		tasks, err := m.list(state, page)
		if err != nil {
			return total, err
		}
		ids, err := m.store(ctx, tasks)
		if err != nil {
			return total, err
		}
		if err := m.remove(ctx, ids, false); err != nil {
			return total, err
		}
		total += len(ids)
		if len(tasks) < pageSize {
			return total, nil
		}
		if len(ids) == 0 {
			page++
		}
	}
	return total, context.Cause(ctx)
}

// movePending stores all pending tasks, the oldest first, and then removes them, the
// newest first. Asynq keeps them in a list: to delete one takes it a scan of the
// whole, 7 ms at 100,000 tasks, while to archive one stops at the first match, from
// the newest on. So each is archived for a moment, and deleted from there.
func (m *mover) movePending(ctx context.Context, state asynq.TaskState) (int, error) {
	var all []string
	for page := 1; ; page++ {
		if err := ctx.Err(); err != nil {
			return 0, context.Cause(ctx)
		}
		tasks, err := m.list(state, page)
		if err != nil {
			return 0, err
		}
		ids, err := m.store(ctx, tasks)
		if err != nil {
			return 0, err
		}
		all = append(all, ids...)
		if len(tasks) < pageSize {
			break
		}
	}
	if len(all) == 0 {
		return 0, nil
	}
	info, err := m.cfg.From.GetQueueInfo(m.Name)
	if err != nil {
		return 0, err
	}
	slices.Reverse(all)
	return len(all), m.remove(ctx, all, info.Archived < roomInArchive)
}

// remove removes tasks that are stored here from asynq.
func (m *mover) remove(ctx context.Context, ids []string, throughArchive bool) error {
	var next atomic.Int64
	errs := make([]error, min(removers, len(ids)))
	var group sync.WaitGroup
	for i := range errs {
		group.Go(func() {
			for errs[i] == nil {
				n := int(next.Add(1)) - 1
				if n >= len(ids) {
					return
				}
				if errs[i] = context.Cause(ctx); errs[i] == nil {
					errs[i] = m.removeOne(ids[n], throughArchive)
				}
			}
		})
	}
	group.Wait()
	return errors.Join(errs...)
}

func (m *mover) removeOne(id string, throughArchive bool) error {
	if throughArchive {
		_ = m.cfg.From.ArchiveTask(m.Name, id) // if it fails, deleting takes longer, or fails too
	}
	err := m.cfg.From.DeleteTask(m.Name, id)
	if err != nil && !errors.Is(err, asynq.ErrTaskNotFound) { // gone already
		return fmt.Errorf("delete task %q: %w", id, err)
	}
	return nil
}

func (m *mover) close() {
	for _, writer := range m.writers {
		writer.Close()
	}
}
