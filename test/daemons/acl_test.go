package daemons

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"

	goredis "github.com/redis/go-redis/v9"

	"github.com/drayhorse/drayhorse/internal/cli/clitest"
	"github.com/drayhorse/drayhorse/internal/password"
	"github.com/drayhorse/drayhorse/internal/redis"
	"github.com/drayhorse/drayhorse/internal/redistest"
)

// says runs the operator's tool and wants it to succeed.
func (y *yard) says(args ...string) string {
	y.Helper()
	code, stdout, stderr := output(y, "drayhorse", append(args, "--redis", y.url("drayhorse"))...)
	if code != 0 {
		y.Errorf("%v: exit %d, %s", args, code, stderr)
	}
	return stdout
}

// browses has somebody log in on the dashboard, look at every page, change something, and leave.
func (y *yard) browses() {
	y.Helper()
	hash, err := password.New("correct horse battery")
	if err != nil {
		y.Fatal(err)
	}
	file := write(y, y.dir, "users.yaml", fmt.Sprintf("users: [{name: ann, role: admin, scope: ['*'], password: '%s'}]\n", hash))
	ui := start(y, "drayhorse", "ui", "--listen", "127.0.0.1:0", "--user-file", file, "--redis", y.url("ui"))
	var base string
	redistest.Eventually(y, soon, "the dashboard says where it is", func() bool {
		base = regexp.MustCompile(`http://\S+/`).FindString(ui.Stdout())
		return base != ""
	})
	jar, _ := cookiejar.New(nil)
	browser := &http.Client{Jar: jar}
	ask := func(method, path string, form url.Values) {
		y.Helper()
		r, err := http.NewRequestWithContext(y.Context(), method, base+path, strings.NewReader(form.Encode()))
		if err != nil {
			y.Fatal(err)
		}
		if method == http.MethodPost {
			r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
			r.Header.Set("Sec-Fetch-Site", "same-origin")
		}
		resp, err := browser.Do(r)
		if err != nil {
			y.Fatal(err)
		}
		defer resp.Body.Close()
		if body, err := io.ReadAll(resp.Body); err != nil || resp.StatusCode != http.StatusOK {
			y.Errorf("%s: %d, %v: %s\n%s", path, resp.StatusCode, err, body, ui.Stderr())
		}
	}
	ask(http.MethodPost, "login", url.Values{"name": {"ann"}, "password": {"correct horse battery"}})
	for _, path := range []string{"", "queues", "queue?queue=default", "jobs", "workers", "schedules", "schedule?id=every-second", "redis", "actions", "audit", "audit?refused=1", "events", "limits", "flows", "flows?stuck=1", "flow?id=nightly"} {
		ask(http.MethodGet, path, nil)
	}
	for _, action := range []string{"pause-queue", "resume-queue"} {
		ask(http.MethodPost, "do", url.Values{"action": {action}, "queue": {"default"}, "reason": {"tried"}})
	}
	ask(http.MethodPost, "do", url.Values{"action": {"signal-flow"}, "flow": {"nightly"}, "step": {"approved"}, "value": {"1"}})
	ask(http.MethodPost, "do", url.Values{"action": {"cancel-flow"}, "flow": {"nightly"}})
	ask(http.MethodPost, "do", url.Values{"action": {"run-flow-again"}, "flow": {"nightly"}})
	ask(http.MethodPost, "do", url.Values{"action": {"backfill-schedule"}, "schedule": {"every-second"}, "since": {"2026-01-01T00:00:00Z"}, "until": {"2026-01-01T00:00:05Z"}})
	ask(http.MethodPost, "logout", url.Values{"everywhere": {"1"}})
	browser.CloseIdleConnections()
	y.stop(ui)
}

// becomes waits until a job is in a state.
func (y *yard) becomes(id, state string) {
	y.Helper()
	redistest.Eventually(y, soon, id+" becomes "+state, func() bool {
		info, err := y.admin.Get(y.Context(), "", id)
		return err == nil && string(info.State) == state
	})
}

// TestUsersOfLeastPrivilegeDoTheirWork has each daemon, logged in as its user, do
// all that it ever does, and wants nothing of it refused.
func TestUsersOfLeastPrivilegeDoTheirWork(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t, redistest.WithConfig(users(t)...))
	y := newYard(t, as(server.URL))
	y.digestAll(nil)

	enqueue := func(kind, id string, options ...string) {
		t.Helper()
		args := []string{"enqueue", "--kind", kind, "--id", id, "--retain", "1h", "--redis", y.url("producer"), "--args"}
		args = append(args, fmt.Sprintf(`{"path":%q}`, filepath.Join(y.dir, "go")))
		if code, _, stderr := output(t, "producer", append(args, options...)...); code != 0 {
			t.Fatalf("enqueue: exit %d, %s", code, stderr)
		}
	}
	daemons := []*clitest.Program{y.start("worker"), y.start("scheduler")}
	enqueue("unserved", "stranger")
	enqueue("refuse", "refused", "--max-attempts", "2") // fails, waits, fails
	enqueue("linger", "rescued")
	y.becomes("rescued", "running")
	daemons[0].Signal(syscall.SIGKILL)
	daemons[0] = y.start("worker") // rescues it
	write(t, y.dir, "go", "")
	y.becomes("rescued", "completed")
	y.becomes("refused", "discarded")
	if code, _, stderr := output(t, "producer", "enqueue", "--kind", "refuse", "--max-attempts", "1", "--wait", "--redis", y.url("producer")); code != 1 {
		t.Errorf("enqueue --wait: exit %d, %s", code, stderr)
	}

	nightly := write(t, y.dir, "nightly.yaml", "id: nightly\nsteps:\n  - {name: approved, signal: 1h}\n  - {name: dump, kind: unserved, after: [approved]}\n")
	if code, _, stderr := output(t, "drayhorse", "flows", "submit", nightly, "--redis", y.url("producer")); code != 0 {
		t.Fatalf("flows submit: exit %d, %s", code, stderr)
	}
	y.says("jobs", "retry", "refused")
	y.says("jobs", "list", "--kind", "unserved")
	y.says("jobs", "cancel", "stranger")
	y.says("jobs", "delete", "stranger")
	y.says("queues", "create", "wide", "--partitions", "3")
	y.says("queues", "pause", "wide")
	enqueue("linger", "paused", "--queue", "wide")
	y.says("queues", "list")
	y.says("jobs", "cancel", "--where", "queue:wide", "--reason", "tried", "--yes")
	y.says("jobs", "retry", "--where", "queue:wide state:cancelled", "--reason", "tried")
	y.says("actions", "list")
	y.says("queues", "resync", "wide")
	y.says("queues", "purge", "wide", "--state", "available")
	y.says("queues", "resume", "wide")
	y.says("queues", "purge", "default", "--state", "completed")
	workers := y.says("workers", "list", "--json")
	var listed []struct{ ID string }
	if err := json.Unmarshal([]byte(workers), &listed); err != nil || len(listed) == 0 {
		t.Fatalf("%v: %s", err, workers)
	}
	y.says("workers", "show", listed[0].ID)
	y.browses()
	for _, verb := range []string{"get", "pause", "resume", "trigger", "history"} {
		y.says("schedules", verb, "every-second")
	}
	y.says("schedules", "add", "more", "--every", "1h", "--kind", "digest")
	y.says("schedules", "remove", "more")
	y.says("schedules", "list")
	y.stop(daemons...)

	refused, err := server.Client(t).Do(t.Context(), "acl", "log").Slice()
	if err != nil {
		t.Fatal(err)
	}
	for _, entry := range refused {
		if text := fmt.Sprint(entry); !strings.Contains(text, " object config|get ") { // INFO tells the same
			t.Errorf("refused: %s", text)
		}
	}
}

// TestUsersOfLeastPrivilegeAreRefusedTheRest tries what no daemon needs.
func TestUsersOfLeastPrivilegeAreRefusedTheRest(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t, redistest.WithConfig(users(t)...))
	for _, program := range []string{"producer", "worker", "scheduler", "drayhorse", "ui"} {
		opts, err := goredis.ParseURL(as(server.URL)(program))
		if err != nil {
			t.Fatal(err)
		}
		opts.Protocol, opts.DisableIdentity = 2, true
		client := goredis.NewClient(opts)
		defer client.Close()
		if err := client.HSet(t.Context(), "drayhorse:{q}:jobs", "id", "x").Err(); err != nil {
			t.Errorf("%s: what it may do: %v", program, err)
		}
		forbidden := []string{
			"FLUSHALL", "FLUSHDB", "KEYS *", "DBSIZE", "CONFIG GET maxmemory", "CONFIG SET maxmemory 1", "SHUTDOWN",
			"DEBUG SLEEP 0", "ACL LIST", "ACL WHOAMI", "CLIENT LIST", "CLIENT KILL ID 1", "MONITOR", "SAVE", "REPLICAOF NO ONE",
			"SCRIPT FLUSH", "FUNCTION FLUSH", "SUBSCRIBE c", "PUBLISH c m", "MODULE LIST", "CLUSTER RESET", "SWAPDB 0 1",
			"HGETALL other:{q}:jobs", "HSET other:{q}:jobs f v", "DEL dray", "HGET drayhorse2:queues q", "RENAME drayhorse:queues x",
		}
		forbidden = append(forbidden, foreign[program]...)
		for _, text := range forbidden {
			args := make([]any, 0, 4)
			for _, field := range strings.Fields(text) {
				args = append(args, field)
			}
			if err := client.Do(t.Context(), args...).Err(); !goredis.HasErrorPrefix(err, "NOPERM") {
				t.Errorf("%s: %s: %v; want NOPERM", program, text, err)
			}
		}
		if err := client.Eval(t.Context(), "return redis.call('HGETALL', KEYS[1])", []string{"drayhorse:{q}:jobs"}).Err(); err != nil {
			t.Errorf("%s: what it may do in a script: %v", program, err)
		}
		for _, script := range []string{"return redis.call('FLUSHALL')", "return redis.call('HGETALL', 'other:{q}:jobs')", "return redis.call('KEYS', '*')"} {
			if err := client.Eval(t.Context(), script, nil).Err(); err == nil || !strings.Contains(err.Error(), "The user executing the script can't") {
				t.Errorf("%s: %s: %v; want it refused", program, script, err)
			}
		}
	}
}

// foreign is what belongs to the others.
var foreign = map[string][]string{
	"producer":  {"HGETALL drayhorse:{@sched}:declarations", "HGETALL drayhorse:{@workers}:workers", "HGETALL drayhorse:{@web}:sessions", "BRPOP drayhorse:{q}:bell 1", "RPOP drayhorse:{q}:ready", "SCAN 0"},
	"worker":    {"HGETALL drayhorse:{@sched}:declarations", "HSET drayhorse:{@web}:sessions a b", "UNLINK drayhorse:{q}:ready", "SCAN 0"},
	"scheduler": {"HGETALL drayhorse:{@workers}:workers", "RPOP drayhorse:{q}:ready", "SCAN 0"},
	"drayhorse": {"XTRIM drayhorse:{@workers}:events MAXLEN 0", "HGETALL drayhorse:{@web}:sessions", "HSET drayhorse:{@web}:sessions a b", "EXISTS drayhorse:{@audit}:changes", "XREVRANGE drayhorse:{@audit}:changes + -"},
	"ui":        {"HGETALL drayhorse:{@other}:x", "XTRIM drayhorse:{@audit}:changes MAXLEN 0"},
}

// scripts are those that each program runs, by the package that has them.
var scripts = map[string]map[string]string{
	"producer":  {"jobs": "enqueue inspect cancel locate summary await log stream members series", "events": "*", "flows": "create join close cancel grow take ack info submit work retry signal graph child leave ends result"},
	"worker":    {"jobs": "turn beat leave observe rescue alive sweep ring summary report limit enqueue news told members signal step groups", "flows": "grow ends take ack look tick outcomes work result extend info submit graph child cancel stats", "registry": "announce leave", "events": "append"},
	"scheduler": {"jobs": "enqueue inspect cancel summary", "schedules": "*", "lock": "*"},
	"admin":     {"jobs": "enqueue inspect list summary cancel retry delete edit purge pause depth limit limits resync length ring locate drop await log stream pick act explain members series", "flows": "cancel take ack info list spread work retry signal graph outcomes child ends result", "schedules": "*", "registry": "list", "events": "*", "actions": "*", "lock": "*"},
}

// direct are the commands that a program sends by themselves.
var direct = map[string]string{
	"":          "auth hello ping select info cluster|slots asking eval evalsha hget hmget hset hsetnx hgetall exists",
	"producer":  "hlen subscribe",
	"worker":    "brpop lpush pexpire",
	"scheduler": "brpop",
	"admin":     "hlen hscan lrange hdel time scan subscribe brpop unlink zrange",
	"ui":        "hlen hscan lrange hdel time scan subscribe brpop unlink zrange xrevrange",
}

func init() { // the dashboard does what the operator's verbs do, has logins and keeps the audit
	scripts["ui"] = maps.Clone(scripts["admin"])
	scripts["ui"]["websessions"], scripts["ui"]["audit"] = "*", "*"
}

// TestUsersMayDoWhatTheirScriptsDo compares deploy/users.acl with the scripts: each
// user has the commands of all their branches, and no others.
func TestUsersMayDoWhatTheirScriptsDo(t *testing.T) {
	t.Parallel()
	known, err := redistest.Start(t).Client(t).Do(t.Context(), "command", "list").StringSlice()
	if err != nil {
		t.Fatal(err)
	}
	for _, line := range users(t) {
		fields := strings.Fields(line)
		program := strings.TrimPrefix(fields[1], "drayhorse-")
		want := strings.Fields(direct[""] + " " + direct[program])
		for pkg, names := range scripts[program] {
			want = append(want, commandsOf(t, pkg, names, known)...)
		}
		var got []string
		for _, rule := range fields {
			if command, ok := strings.CutPrefix(rule, "+"); ok {
				got = append(got, command)
			}
		}
		slices.Sort(want)
		slices.Sort(got)
		if want = slices.Compact(want); !slices.Equal(got, want) {
			t.Errorf("%s may do\n%v; want\n%v", program, got, want)
		}
	}
}

var (
	comment  = regexp.MustCompile(`--[^\n]*`)
	function = regexp.MustCompile(`(?ms)^local function (\w+)\(.*?^end$`)
	word     = regexp.MustCompile(`\w+`)
	quoted   = regexp.MustCompile(`'([A-Z]+)'`)
)

// commandsOf gives the commands that scripts of a package, and the functions of its
// prelude that they reach, are written with.
func commandsOf(t *testing.T, pkg, names string, known []string) []string {
	t.Helper()
	dir := filepath.Join("../../internal", pkg, "scripts")
	code := func(name string) string {
		text, err := os.ReadFile(filepath.Join(dir, name+".lua"))
		if err != nil {
			t.Fatal(err)
		}
		return comment.ReplaceAllString(string(text), "")
	}
	list := strings.Fields(names)
	if names == "*" {
		files, err := filepath.Glob(filepath.Join(dir, "*.lua"))
		if err != nil {
			t.Fatal(err)
		}
		list = nil
		for _, f := range files {
			list = append(list, strings.TrimSuffix(filepath.Base(f), ".lua"))
		}
	}
	prelude := map[string]string{}
	library := redis.NewLibrary(os.DirFS(filepath.Dir(dir)))
	for _, f := range function.FindAllStringSubmatch(comment.ReplaceAllString(library.Prelude(), ""), -1) {
		prelude[f[1]] = f[0]
	}
	var found []string
	for _, name := range list {
		todo, done := []string{code(name)}, map[string]bool{}
		for ; len(todo) > 0; todo = todo[1:] {
			for _, m := range quoted.FindAllStringSubmatch(todo[0], -1) {
				if command := strings.ToLower(m[1]); slices.Contains(known, command) {
					found = append(found, command)
				}
			}
			for _, w := range word.FindAllString(todo[0], -1) {
				if body, ok := prelude[w]; ok && !done[w] {
					done[w] = true
					todo = append(todo, body)
				}
			}
		}
	}
	return found
}
