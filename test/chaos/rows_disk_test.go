package chaos

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/drayhorse/drayhorse/internal/redistest"
)

var diskRows = []row{
	{name: "disk-full", target: "the error reaches the caller, readiness says no, it resumes", run: diskFull},
	{name: "power-cut-always", target: "appendfsync always: 0 lost", run: func(r *rig) { powerCut(r, "always") }},
	{name: "power-cut-everysec", target: "everysec: at most the last 2 s, the loss stated", run: func(r *rig) { powerCut(r, "everysec") }},
}

// image is a file system in a file.
type image struct{ file, dir string }

// image makes and mounts one of so many megabytes. The row is not run where that is
// not allowed.
func (r *rig) image(megabytes string) image {
	r.Helper()
	i := image{filepath.Join(r.TempDir(), "image"), r.TempDir()}
	if err := run("truncate", "-s", megabytes+"M", i.file); err != nil {
		r.skip(err.Error())
	}
	if err := run("mkfs.ext4", "-q", "-F", i.file); err != nil {
		r.skip(err.Error())
	}
	r.mount(i)
	return i
}

func (r *rig) mount(i image) {
	r.Helper()
	if err := run("mount", "-o", "loop", i.file, i.dir); err != nil {
		r.skip(err.Error())
	}
	r.Cleanup(func() {
		if err := run("umount", i.dir); err != nil {
			r.Error(err)
		}
	})
}

// run runs a command; its error has what it said.
func run(name string, args ...string) error {
	out, err := exec.Command(name, args...).CombinedOutput()
	if err != nil {
		return &commandError{name + " " + strings.Join(args, " "), strings.TrimSpace(string(out)), err}
	}
	return nil
}

type commandError struct {
	command, out string
	err          error
}

func (e *commandError) Error() string { return e.command + ": " + e.err.Error() + ": " + e.out }
func (e *commandError) Unwrap() error { return e.err }

// diskFull has somebody else fill the disk under Redis, and clear it later.
func diskFull(r *rig) {
	i := r.image("64")
	r.redis(redistest.WithConfig("appendonly yes", "appendfsync everysec", "dir "+i.dir))
	r.worker()
	r.producer(2000, 100)
	r.pause(3 * time.Second)
	filler := filepath.Join(i.dir, "filler")
	_ = run("dd", "if=/dev/zero", "of="+filler, "bs=4096") // ends when nothing fits any more
	full := r.mark("the disk is full")
	r.pause(9 * time.Second)
	if err := os.Remove(filler); err != nil {
		r.Fatal(err)
	}
	back := r.mark("there is room again")
	r.settle()
	during := func(e event) bool { return e.At.After(full) && e.At.Before(back.Add(carryOn)) }
	failed := r.history.where(func(e event) bool { return e.What == unsure && during(e) })
	away := r.history.where(func(e event) bool { return e.What == unready && during(e) && strings.HasPrefix(e.Who, "worker") })
	r.result.note("%d calls failed", len(failed))
	if len(failed) == 0 {
		r.missed("no caller got an error")
	} else if !strings.Contains(failed[0].Said, "MISCONF") {
		r.missed("the error is %q", failed[0].Said)
	}
	if len(away) == 0 {
		r.missed("the worker said all the time that it is ready")
	} else {
		r.within("the worker said that it is not ready after", away[0].At.Sub(full), carryOn)
	}
	r.within("carried on after", r.history.resumed(back), carryOn)
}

// powerCut takes a picture of the disk under Redis while jobs come in, and goes on
// with a Redis that has nothing but the picture.
func powerCut(r *rig, fsync string) {
	r.lossy = fsync != "always"
	before := r.image("256")
	conf := []string{"appendonly yes", "appendfsync " + fsync}
	server := r.redis(redistest.WithConfig(append(conf, "dir "+before.dir)...))
	p := r.producer(50_000, 3000, func(p *plan) { p.Callers = 100 })
	r.pause(time.Duration(4000+r.random.IntN(1000)) * time.Millisecond)
	server.Pause()
	cut := r.mark("power cut")
	after := image{filepath.Join(r.TempDir(), "image"), r.TempDir()}
	if err := run("cp", "--sparse=always", before.file, after.file); err != nil {
		r.Fatal(err)
	}
	p.kill()
	server.Kill()
	r.mount(after)
	r.redis(redistest.WithConfig(append(conf, "dir "+after.dir)...))
	r.mark("a redis on the picture of the disk")
	r.worker(func(p *plan) { p.Concurrency = 100 })
	r.forget(p)
	r.settle()
	r.loss()
	if r.lossy {
		r.within("the oldest lost job was acknowledged before the cut by", r.oldestLost(cut), 2*time.Second)
	}
}
