package chaos

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v4"

	"github.com/drayhorse/drayhorse"
	"github.com/drayhorse/drayhorse/internal/redistest"
	"github.com/drayhorse/drayhorse/producer"
)

var versionRows = []row{
	{name: "versions", target: "unknown fields survive; an unknown kind waits", run: versions},
}

// firstDaemons is the first commit with all of the daemons, the oldest version that can
// be in use anywhere. A hash is found in every whole clone, with or without tags.
const firstDaemons = "e40e9fc0bb75783fca7d5a04203acab39653d45b"

// versions has the daemons of two versions work on one Redis: workers, schedulers and
// producers of both.
func versions(r *rig) {
	older, newer := r.build(firstDaemons), r.build("")
	r.redis()
	start := time.Now().Truncate(time.Second).Add(3 * time.Second)
	p := plan{Schedules: 3, Start: start, End: start.Add(15 * time.Second)}
	r.expect(&p)
	for _, bin := range []string{older, newer} {
		r.daemon(bin, "scheduler", schedulesFile(r, &p))
		r.daemon(bin, "worker", handlersFile(r, "fast", "slow", "tick"))
	}
	imports := make(chan error, 2)
	for i, bin := range []string{older, newer} {
		go func() { imports <- r.importJobs(bin, "import-"+strconv.Itoa(i), 300) }()
	}
	unknown := r.enqueueUnknownKind()
	r.enqueueUnknownField()
	for range 2 {
		if err := <-imports; err != nil {
			r.missed("%v", err)
		}
	}
	redistest.Eventually(r.T, patience, "the kind that nobody serves waits", func() bool {
		info, err := r.admin.Get(r.Context(), drayhorse.DefaultQueue, unknown)
		return err == nil && info.State == drayhorse.Available && info.Attempt == 1
	})
	r.daemon(newer, "worker", handlersFile(r, "later"))
	r.settle()
	r.unknownFieldSurvived()
}

// build builds the operator's tool, with all daemons in it, of a commit or, without
// one, of the sources at hand. The row is not run in a clone that is too shallow to
// have the commit, or where the modules that it needs cannot be had.
func (r *rig) build(commit string) string {
	r.Helper()
	dir := r.TempDir()
	binary, sources := filepath.Join(dir, "drayhorse"), "../.."
	if commit != "" {
		sources = filepath.Join(dir, "sources")
		script := fmt.Sprintf("mkdir %[1]q && git -C ../.. archive %[2]s | tar -x -C %[1]q && cd %[1]q && go list -deps ./cmd/drayhorse", sources, commit)
		if err := run("sh", "-c", script); err != nil {
			r.skip("the sources of " + commit + " are not at hand: " + err.Error())
		}
	}
	cmd := exec.Command("go", "build", "-o", binary, "./cmd/drayhorse")
	cmd.Dir = sources
	if out, err := cmd.CombinedOutput(); err != nil {
		r.Fatalf("build %s: %v\n%s", commit, err, out)
	}
	return binary
}

// daemon starts one of a version's daemons.
func (r *rig) daemon(binary, role, config string) {
	r.Helper()
	name := r.name(role)
	log, err := os.Create(filepath.Join(r.dir, name+".log"))
	if err != nil {
		r.Fatal(err)
	}
	defer func() { _ = log.Close() }() // the process has its own
	c := &process{
		Cmd: exec.Command(binary, role, "--config", config, "--redis", r.url, "--namespace", r.namespace), rig: r,
		plan: plan{Role: role, Name: name}, exited: make(chan struct{}),
	}
	c.Stdout, c.Stderr, c.SysProcAttr = log, log, dieWithParent()
	if err := c.Start(); err != nil {
		r.Fatal(err)
	}
	go func() { defer close(c.exited); c.err = c.Wait() }()
	r.Cleanup(c.kill)
	r.children = append(r.children, c)
}

// handlersFile has exec handlers that run this binary to write down what they do.
func handlersFile(r *rig, kinds ...string) string {
	r.Helper()
	self, err := os.Executable()
	if err != nil {
		r.Fatal(err)
	}
	note, err := json.Marshal(plan{Role: "note", Dir: r.dir})
	if err != nil {
		r.Fatal(err)
	}
	handlers := map[string]any{}
	for _, k := range kinds {
		handlers[k] = map[string]any{"exec": map[string]any{
			"command": []string{self, "{{key}}", "{{millis}}"}, "set": map[string]string{planEnv: string(note)},
		}}
	}
	return r.yaml(map[string]any{"concurrency": 4, "handlers": handlers})
}

func schedulesFile(r *rig, p *plan) string {
	r.Helper()
	var list []map[string]any
	for i := range p.Schedules {
		s := p.schedule(i)
		list = append(list, map[string]any{
			"id": s.ID, "every": s.Every.String(), "start": p.Start.Format(time.RFC3339), "end": p.End.Format(time.RFC3339),
			"kind": "tick", "args": map[string]any{"key": "tick", "millis": 0}, "retain": keep.String(), "catch_up": "all",
		})
	}
	return r.yaml(map[string]any{"source": scheduleSource, "declared_at": p.Start.Format(time.RFC3339), "schedules": list})
}

func (r *rig) yaml(content any) string {
	r.Helper()
	text, err := yaml.Marshal(content)
	if err != nil {
		r.Fatal(err)
	}
	file := filepath.Join(r.TempDir(), "config.yaml")
	if err := os.WriteFile(file, text, 0o600); err != nil {
		r.Fatal(err)
	}
	return file
}

// note is main of an execution that a daemon starts.
func note(_ context.Context, _ *plan, j *journal) error {
	attempt, err := strconv.Atoi(os.Getenv("DRAYHORSE_JOB_ATTEMPT"))
	if err != nil {
		return err
	}
	key, id := os.Args[1], os.Getenv("DRAYHORSE_JOB_ID")
	if key == "tick" {
		key = id
	}
	e := event{What: began, Key: key, Kind: os.Getenv("DRAYHORSE_JOB_KIND"), ID: id, Attempt: attempt, Exec: j.who}
	j.must(e)
	millis, err := strconv.Atoi(os.Args[2])
	if err != nil {
		return err
	}
	time.Sleep(time.Duration(millis) * time.Millisecond)
	e.What, e.Said = ended, "completed"
	j.must(e)
	fmt.Print(e.Exec)
	return nil
}

// importJobs has a version's producer import n jobs.
func (r *rig) importJobs(binary, prefix string, n int) error {
	var lines strings.Builder
	var attempts, acks []event
	for i := range n {
		k, w := "fast", work{Key: fmt.Sprintf("%s-%d", prefix, i)}
		if i%10 == 0 {
			k, w.Millis = "slow", 200
		}
		args, err := json.Marshal(map[string]any{"key": w.Key, "millis": w.Millis})
		if err != nil {
			return err
		}
		fmt.Fprintf(&lines, `{"kind":%q,"args":%s,"retain":%q}`+"\n", k, args, keep)
		attempts = append(attempts, event{What: attempted, Key: w.Key, Kind: k})
		acks = append(acks, event{What: acknowledged, Key: w.Key, Kind: k})
	}
	file := filepath.Join(r.dir, prefix+".ndjson")
	if err := os.WriteFile(file, []byte(lines.String()), 0o600); err != nil {
		return err
	}
	r.journal.must(attempts...)
	if err := run(binary, "producer", "import", file, "--redis", r.url, "--namespace", r.namespace); err != nil {
		return err
	}
	r.journal.must(acks...)
	return nil
}

// enqueueUnknownKind makes a job that no worker serves, and gives its ID.
func (r *rig) enqueueUnknownKind() string {
	r.Helper()
	return r.enqueue("later", "later-1")
}

// enqueue makes one job that takes no time.
func (r *rig) enqueue(kind, key string, options ...drayhorse.Option) string {
	r.Helper()
	return r.enqueueRaw(kind, key, json.RawMessage(fmt.Sprintf(`{"key":%q,"millis":0}`, key)), options...)
}

// enqueueRaw makes one job of arguments, which have its key.
func (r *rig) enqueueRaw(kind, key string, args json.RawMessage, options ...drayhorse.Option) string {
	r.Helper()
	p, err := producer.New(producer.Config{RedisURL: r.url, Namespace: r.namespace})
	if err != nil {
		r.Fatal(err)
	}
	defer func() { _ = p.Close() }()
	r.journal.must(event{What: attempted, Key: key, Kind: kind})
	options = append(options, drayhorse.Retain(keep), drayhorse.ID(key))
	if _, err := p.EnqueueRaw(r.Context(), kind, args, options...); err != nil {
		r.Fatal(err)
	}
	r.journal.must(event{What: acknowledged, Key: key, Kind: kind})
	return key
}

// futureField is an extra of an envelope that no version knows.
var futureField = append([]byte{200}, append(binary.AppendUvarint(nil, 12), "of the later"...)...)

const futureJob = "future-1"

// enqueueUnknownField makes a job whose envelope has a field of a version to come. It
// is due later, so that nobody runs it before it has.
func (r *rig) enqueueUnknownField() {
	r.Helper()
	r.enqueue("fast", futureJob, drayhorse.In(2*time.Second))
	key := r.namespace + ":{default}:jobs"
	envelope, err := r.client().HGet(r.Context(), key, futureJob).Bytes()
	if err != nil {
		r.Fatal(err)
	}
	if err := r.client().HSet(r.Context(), key, futureJob, withField(envelope, futureField)).Err(); err != nil {
		r.Fatal(err)
	}
}

// withField adds an extra to an envelope: its length stands behind the kind, the
// attempts and the timeout.
func withField(envelope, extra []byte) []byte {
	at := 15 + int(envelope[14])
	for range 2 {
		_, n := binary.Uvarint(envelope[at:])
		at += n
	}
	length, n := binary.Uvarint(envelope[at:])
	out := append([]byte(nil), envelope[:at]...)
	out = binary.AppendUvarint(out, length+uint64(len(extra)))
	return append(append(out, extra...), envelope[at+n:]...)
}

// unknownFieldSurvived looks for the field in the archive.
func (r *rig) unknownFieldSurvived() {
	r.Helper()
	record, err := r.client().HGet(r.Context(), r.namespace+":{default}:archive", futureJob).Result()
	if err != nil || !strings.Contains(record, string(futureField)) {
		r.missed("the unknown field of the envelope is gone: %q, %v", record, err)
	}
}
