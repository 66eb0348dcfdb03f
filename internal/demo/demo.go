package demo

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/drayhorse/drayhorse/admin"
	"github.com/drayhorse/drayhorse/scheduler"
)

// demo is one run.
type demo struct {
	cfg     *config
	console *console
	stage   *stage

	programs programs
	paths    []string // of the files, each to be digested once
	url      string   // where the jobs are
	admin    *admin.Admin
	watcher  *scheduler.Scheduler // only asked who leads

	schedulers       map[string]*child // by identity
	doomed, survivor *worker
	producer         *child
	seen             seen
	begin            time.Time // of the import
	killed           time.Time // the worker
	fallen           *child    // the leader that was killed
}

// When processes are killed, in percent of the files.
const (
	killWorkerAt = 35
	killLeaderAt = 50
)

// run is the story of the demo.
func (d *demo) run(ctx context.Context) error {
	defer d.close()
	for _, act := range []func(context.Context) error{
		d.prepare, d.connect, d.startSchedulers, d.startWorkers, d.startImport,
		d.killWorker, d.killLeader, d.drain, d.stop, d.judge,
	} {
		if err := act(ctx); err != nil {
			return err
		}
	}
	return nil
}

// prepare finds the files and the programs.
func (d *demo) prepare(ctx context.Context) error {
	dir := d.cfg.Dir
	var err error
	if dir == "" {
		if dir, err = sourceTree(ctx); err != nil {
			return err
		}
	}
	if d.paths, err = listFiles(dir, d.cfg.Files); err != nil {
		return err
	}
	if d.programs, err = findPrograms(); err != nil {
		return err
	}
	d.console.event("%s below %s are to be digested", count(len(d.paths), "file"), dir)
	return d.cfg.Sabotage.replace(d.paths, d.stage.path("copy"))
}

// connect starts the server.
func (d *demo) connect(ctx context.Context) error {
	server, err := d.stage.startServer(ctx, d.cfg.Embedded)
	if err != nil {
		return err
	}
	d.url = server.url
	d.console.event("%s serves at %s", server.name, server.url)
	if d.admin, err = admin.New(admin.Config{RedisURL: d.url}); err != nil {
		return err
	}
	d.watcher, err = scheduler.New(scheduler.Config{RedisURL: d.url})
	return err
}

// close ends the connections, which were only used to look.
func (d *demo) close() {
	if d.admin != nil {
		_ = d.admin.Close()
	}
	if d.watcher != nil {
		_ = d.watcher.Close()
	}
}

func (d *demo) startSchedulers(ctx context.Context) error {
	config := d.stage.path("scheduler.yaml")
	if err := writeScheduleFile(config); err != nil {
		return err
	}
	d.schedulers = map[string]*child{}
	for _, name := range []string{"scheduler 1", "scheduler 2"} {
		c, err := d.stage.start(name, d.programs.scheduler.argv("--config", config, "--redis", d.url, "--identity", name)...)
		if err != nil {
			return err
		}
		d.schedulers[name] = c
		d.console.event("%s is up, process %d", name, c.pid())
	}
	return d.await(ctx, func(*admin.Queue) (bool, error) { return d.seen.leader.Term > 0, nil })
}

func (d *demo) startWorkers(ctx context.Context) (err error) {
	config := d.stage.path("worker.yaml")
	err = writeWorkerFile(config, d.cfg.Concurrency, map[string][]string{
		digestKind:   digestArgv(d.programs.self),
		progressKind: d.programs.self.argv("demo", "progress", "--redis", d.url, "--files", fmt.Sprint(len(d.paths))),
	})
	if err != nil {
		return err
	}
	argv := d.programs.worker.argv("--config", config, "--redis", d.url)
	if d.doomed, err = d.stage.startWorker(ctx, "worker 1", argv); err != nil {
		return err
	}
	if d.survivor, err = d.stage.startWorker(ctx, "worker 2", argv); err != nil {
		return err
	}
	for _, w := range []*worker{d.doomed, d.survivor} {
		d.console.event("%s is up, process %d, %s at once", w.name, w.pid(), count(d.cfg.Concurrency, "job"))
	}
	return nil
}

func (d *demo) startImport(context.Context) error {
	jobs := d.stage.path("jobs.ndjson")
	if err := writeLines(jobs, d.cfg.Sabotage.jobs(newLines(d.paths))); err != nil {
		return err
	}
	d.console.event("the producer imports one job for each file")
	d.begin = time.Now()
	var err error
	d.producer, err = d.stage.start("producer", d.programs.producer.argv("import", jobs, "--redis", d.url)...)
	return err
}

var errTooFast = errors.New("all files were digested before a worker could be killed; want more of them, or a lower --concurrency")

// killWorker kills a worker midway, while it runs jobs.
func (d *demo) killWorker(ctx context.Context) error {
	return d.await(ctx, func(q *admin.Queue) (bool, error) {
		if d.drained(q) {
			return false, errTooFast
		}
		if d.percent(q) < killWorkerAt {
			return false, nil
		}
		running, err := d.doomed.catch(ctx)
		if err != nil || running == 0 {
			return false, err
		}
		d.doomed.kill()
		d.killed = time.Now()
		d.console.event("%s is killed with SIGKILL at %d%%, with %s running",
			d.doomed.name, d.percent(q), count(running, "job"))
		return true, nil
	})
}

// killLeader kills the scheduler that leads.
func (d *demo) killLeader(ctx context.Context) error {
	return d.await(ctx, func(q *admin.Queue) (bool, error) {
		if d.percent(q) < killLeaderAt {
			return false, nil
		}
		if err := d.noticeLeader(ctx); err != nil {
			return false, err
		}
		d.fallen = d.schedulers[d.seen.leader.Identity]
		d.fallen.kill()
		d.console.event("%s, which leads, is killed with SIGKILL at %d%%", d.fallen.name, d.percent(q))
		return true, nil
	})
}

// drain waits until all files are digested, and another scheduler has made a tick.
func (d *demo) drain(ctx context.Context) error {
	return d.await(ctx, func(q *admin.Queue) (bool, error) {
		if d.seen.wall == 0 && d.drained(q) {
			d.seen.wall = time.Since(d.begin)
			d.console.event("no job is left")
		}
		leader := d.seen.leader
		return d.seen.wall > 0 && leader.Identity != d.fallen.name && d.seen.tick.After(leader.Since), nil
	})
}

// stop ends all that still works, so that the books are closed when they are read.
func (d *demo) stop(ctx context.Context) error {
	working := []*child{d.survivor.child}
	for _, s := range d.schedulers {
		working = append(working, s)
	}
	for _, c := range working {
		if c.ending { // killed
			continue
		}
		if c.stop(ctx); c.err != nil {
			return fmt.Errorf("%s did not stop cleanly: %w\n%s", c.name, c.err, c.words())
		}
	}
	return d.cfg.Sabotage.change(d.paths)
}
