package chaos

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/drayhorse/drayhorse/internal/redistest"
)

var clockRows = []row{
	{name: "clock-redis", target: "+-1 h: no duplicate tick; takeover <= 6 s", run: clockOfRedis},
	{name: "clock-processes", target: "+-1 h of workers and schedulers: no duplicate tick, no lease lost", run: clockOfProcesses},
}

// clock moves the wall clock of one redis-server.
type clock struct{ library, file string }

func (r *rig) newClock() *clock {
	r.Helper()
	dir := r.TempDir()
	return &clock{r.shim("../../internal/lock/testdata/clockshift.c"), filepath.Join(dir, "seconds")}
}

// shim builds a library that stands between a server and its C library. The row is not
// run where there is no compiler.
func (r *rig) shim(source string) string {
	r.Helper()
	library := filepath.Join(r.TempDir(), "shim.so")
	if err := run("gcc", "-shared", "-fPIC", "-O1", "-o", library, source, "-ldl"); err != nil {
		r.skip(err.Error())
	}
	return library
}

// redis starts a server whose clock it is.
func (c *clock) redis(r *rig) *redistest.Server {
	r.Helper()
	return r.redis(redistest.WithEnv("CLOCKSHIFT_FILE="+c.file, "LD_PRELOAD="+c.library))
}

// set makes the clock wrong by so much, and makes sure that Redis sees it.
func (c *clock) set(r *rig, by time.Duration) {
	r.Helper()
	if err := os.WriteFile(c.file, []byte(strconv.Itoa(int(by.Seconds()))), 0o600); err != nil {
		r.Fatal(err)
	}
	now, err := r.client().Time(r.Context()).Result()
	if err != nil || time.Until(now.Add(-by)).Abs() > time.Minute {
		r.Fatalf("redis says %v, %v; want %v from now", now, err, by)
	}
	r.mark("the clock of Redis is wrong by %v", by)
}

// clockOfRedis moves the clock of Redis an hour behind, back, an hour ahead, and
// back. A leader dies while it is behind. What was delayed while the clock was ahead
// is due when that hour comes: the clock goes there at the end.
func clockOfRedis(r *rig) {
	c := r.newClock()
	c.redis(r)
	r.worker()
	r.worker()
	all := r.schedulers(2, 45*time.Second)
	r.producer(1500, 60)
	o := r.observer()
	r.pause(5 * time.Second)
	c.set(r, -time.Hour)
	r.pause(2 * time.Second)
	old := r.leader(o, "")
	replica(all, old).kill()
	at := r.mark("leader %s killed", old.Identity)
	r.leader(o, old.Identity)
	took := time.Since(at)
	c.set(r, 0)
	r.pause(5 * time.Second)
	c.set(r, time.Hour)
	r.pause(3 * time.Second)
	c.set(r, 0)
	r.produced()
	r.fired()
	c.set(r, time.Hour)
	v := r.settle()
	r.within("takeover in", took, succession)
	r.atMost("leases lost", len(r.history.of(dropped)), 0)
	r.atMost("re-run", len(v.Rerun), 0)
}

// shiftEnv is by how many seconds the clock of a process is wrong that shifted
// built.
const shiftEnv = "CLOCKSHIFT_SECONDS"

// timeNow is where the standard library reads the clocks, and shiftedNow the same with
// the wall clock moved. The monotonic clock is left alone.
const (
	timeNow    = "func Now() Time {\n\tsec, nsec, mono := runtimeNow()\n"
	shiftedNow = `var clockShift = func() int64 {
	text, _ := syscall.Getenv("` + shiftEnv + `")
	n, err := atoi(text)
	if err != nil {
		return 0
	}
	return int64(n)
}()

func Now() Time {
	sec, nsec, mono := runtimeNow()
	sec += clockShift
`
)

// shifted builds this test with a standard library whose wall clock can be wrong.
func (r *rig) shifted() string {
	r.Helper()
	root, err := exec.Command("go", "env", "GOROOT").Output()
	if err != nil {
		r.skip("there is no go to build with: " + err.Error())
	}
	source := filepath.Join(strings.TrimSpace(string(root)), "src", "time", "time.go")
	text, err := os.ReadFile(source)
	if err != nil {
		r.skip(err.Error())
	}
	patched := strings.Replace(string(text), timeNow, shiftedNow, 1)
	patched = strings.Replace(patched, "import (\n", "import (\n\t\"syscall\"\n", 1)
	if patched == string(text) {
		r.skip("this version of Go reads its clocks elsewhere")
	}
	dir := r.TempDir()
	file, overlay, binary := filepath.Join(dir, "time.go"), filepath.Join(dir, "overlay.json"), filepath.Join(dir, "shifted.test")
	replace, err := json.Marshal(map[string]map[string]string{"Replace": {source: file}})
	if err != nil {
		r.Fatal(err)
	}
	for name, content := range map[string][]byte{file: []byte(patched), overlay: replace} {
		if err := os.WriteFile(name, content, 0o600); err != nil {
			r.Fatal(err)
		}
	}
	if err := run("go", "test", "-c", "-overlay", overlay, "-o", binary, "."); err != nil {
		r.Fatal(err)
	}
	return binary
}

// clockOfProcesses has a worker and a scheduler whose clocks are an hour ahead, and
// one of each whose clocks are an hour behind.
func clockOfProcesses(r *rig) {
	binary := r.shifted()
	r.redis()
	ahead, behind := shiftEnv+"=3600", shiftEnv+"=-3600"
	start := time.Now().Truncate(time.Second).Add(3 * time.Second)
	schedules := plan{Role: "scheduler", Schedules: schedulesOf, Start: start, End: start.Add(20 * time.Second)}
	r.expect(&schedules)
	workers := plan{Role: "worker", Concurrency: concurrency, Shutdown: 5 * time.Second}
	var replicas []*process
	for _, env := range []string{ahead, behind} {
		for _, p := range []plan{workers, schedules} {
			p.Name, p.URL = r.name(p.Role), r.url
			c := r.spawn(binary, p, env).awaitReady()
			if p.Role == "scheduler" {
				replicas = append(replicas, c)
			}
		}
	}
	for _, env := range []string{ahead, behind, ""} {
		p := plan{Role: "producer", Name: r.name("producer"), URL: r.url, Seed: r.seed, Jobs: 400, Rate: 40, Callers: 8}
		r.spawn(binary, p, env)
	}
	o := r.observer()
	r.pause(5 * time.Second)
	old := r.leader(o, "")
	replica(replicas, old).kill()
	at := r.mark("leader %s killed", old.Identity)
	r.leader(o, old.Identity)
	took := time.Since(at)
	v := r.settle()
	for who, by := range map[string]time.Duration{"worker-1": time.Hour, "scheduler-2": -time.Hour} {
		own := r.history.where(func(e event) bool { return e.Who == who })
		if off := own[0].At.Sub(r.result.begin); (off - by).Abs() > 10*time.Minute {
			r.missed("the clock of %s is wrong by %v, want %v", who, off, by)
		}
	}
	r.within("takeover in", took, succession)
	r.atMost("leases lost", len(r.history.of(dropped)), 0)
	r.atMost("re-run", len(v.Rerun), 0)
}
