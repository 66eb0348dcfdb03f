package worker

import (
	"cmp"
	"context"
	"log/slog"
	"maps"
	"os"
	"runtime/debug"
	"slices"
	"time"

	"github.com/drayhorse/drayhorse/internal/jobs"
	"github.com/drayhorse/drayhorse/internal/logs"
	"github.com/drayhorse/drayhorse/internal/registry"
)

// leaveTimeout is how long a worker that has stopped tries to leave the registry.
// What does not leave expires.
const leaveTimeout = time.Second

// announces tells the registry every few seconds, and when its state changes, that
// this worker is there, and learns whether somebody listens; and takes it out when background ends. running ends when
// the worker is told to stop.
func (s *session) announces(background, running context.Context) {
	r := registry.New(s.client, s.cfg.Namespace)
	row := s.row()
	closing, stopping := (<-chan struct{})(s.phase.closing), running.Done()
	ticker := time.NewTicker(registry.Every)
	defer ticker.Stop()
	for {
		s.present(row)
		if listening, err := r.Announce(background, row); err != nil {
			s.log.DebugContext(background, "announcement failed", slog.String(logs.Error, err.Error()))
			s.teller.unheard()
		} else {
			s.teller.heard(listening)
		}
		select {
		case <-background.Done():
			ctx, cancel := context.WithTimeout(s.base, leaveTimeout)
			defer cancel()
			_ = r.Leave(ctx, s.id) // else it expires
			return
		case <-stopping:
			row.State, stopping, closing = registry.Stopping, nil, nil
		case <-closing:
			row.State, closing = registry.Quiet, nil
		case <-ticker.C:
		}
	}
}

// row gives what stays the same about this worker.
func (s *session) row() *registry.Worker {
	host, _ := os.Hostname()
	_, anyKind := s.kinds[rest]
	kinds := slices.DeleteFunc(slices.Sorted(maps.Keys(s.kinds)), func(kind string) bool { return kind == rest })
	row := &registry.Worker{
		ID: s.id, Host: host, PID: os.Getpid(), Version: version(), State: registry.Working, StartedAt: time.Now().UTC(),
		Queues: map[string]int{}, QueueCount: len(s.cfg.Queues),
		Kinds: kinds[:min(len(kinds), registry.MaxNames)], KindCount: len(kinds), AnyKind: anyKind,
		Concurrency: s.cfg.Concurrency,
	}
	for _, src := range s.supply.all() { // the heaviest first
		if len(row.Queues) < registry.MaxNames {
			row.Queues[src.part.Queue] = src.weight
		}
	}
	return row
}

// present fills in what this worker does at this moment.
func (s *session) present(row *registry.Worker) {
	row.Running, row.Stuck, row.Jobs = 0, 0, []registry.Job{}
	for _, e := range s.executions() {
		row.Running++
		if e.stuck.Load() {
			row.Stuck++
		}
		if started := e.started.Load(); started != 0 { // the envelope has been read
			row.Jobs = append(row.Jobs, registry.Job{
				ID: jobs.UnpackID(e.claim.ID), Kind: e.kind, Queue: e.queue,
				Attempt: e.attempt(), Since: time.Unix(0, started).UTC(),
			})
		}
	}
	slices.SortFunc(row.Jobs, func(a, b registry.Job) int {
		return cmp.Or(a.Since.Compare(b.Since), cmp.Compare(a.ID, b.ID))
	})
	row.Jobs = row.Jobs[:min(len(row.Jobs), registry.MaxJobs)]
}

// module is the path under which a program's build names this module.
const module = "github.com/drayhorse/drayhorse"

// version gives the version of this module in the program; "" if that does not say.
func version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return ""
	}
	for _, m := range append(info.Deps, &info.Main) {
		if m.Path == module {
			return m.Version
		}
	}
	return ""
}
