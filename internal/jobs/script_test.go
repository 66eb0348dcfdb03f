package jobs

import (
	"context"
	"crypto/sha1"
	"encoding/hex"
	"errors"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	goredis "github.com/redis/go-redis/v9"

	"github.com/drayhorse/drayhorse"
	"github.com/drayhorse/drayhorse/internal/redis"
)

var (
	comment    = regexp.MustCompile(`--[^\n]*`)
	quoted     = regexp.MustCompile(`'[^'\n]*'`)
	identifier = regexp.MustCompile(`[A-Za-z_][A-Za-z_0-9]*`)
	function   = regexp.MustCompile(`(?ms)^local function (\w+)\(.*?^end$`)
	keyOf      = regexp.MustCompile(`call\((?:'[A-Z]+'|push)(?:, ([^,)]+))?`)
)

// code is a script without comments.
func code(name string) string {
	text := library.Prelude()
	if name != "prelude" {
		text = library.Read(name)
	}
	return comment.ReplaceAllString(text, "")
}

// names are the identifiers of a piece of code, outside strings.
func names(code string) []string {
	return identifier.FindAllString(quoted.ReplaceAllString(code, ""), -1)
}

// reached gives the identifiers of a piece of code and of all functions of the
// prelude that it calls.
func reached(code string) map[string]bool {
	prelude := map[string][]string{}
	for _, f := range function.FindAllStringSubmatch(comment.ReplaceAllString(library.Prelude(), ""), -1) {
		prelude[f[1]] = names(f[0])
	}
	found := map[string]bool{}
	for todo := names(code); len(todo) > 0; todo = todo[1:] {
		if name := todo[0]; !found[name] {
			found[name] = true
			todo = append(todo, prelude[name]...)
		}
	}
	return found
}

func TestScriptsDeclareTheKeysTheyUse(t *testing.T) {
	t.Parallel()
	for _, s := range scripts {
		used := reached(code(s.Name))
		for c, name := range columns {
			declared := slices.Contains(s.Columns, c)
			if declared && !used[name] {
				t.Errorf("%s declares the key %s and does not use it", s.Name, name)
			}
			if !declared && used[name] {
				t.Errorf("%s uses the key %s and does not declare it", s.Name, name)
			}
		}
	}
}

// TestOneWayInAndOut: what is to hold of every claim, every end and all that is kept is
// done in one place, which no script goes past.
func TestOneWayInAndOut(t *testing.T) {
	t.Parallel()
	for _, past := range []string{`'H(SET|SETNX|DEL)', running`, `'HDEL', jobs`, `'HDEL', archive`, `'(LPUSH|RPUSH)', bell`} {
		pattern := regexp.MustCompile(`call\(` + past + `\b`)
		if n := len(pattern.FindAllString(code("prelude"), -1)); n < 1 {
			t.Errorf("the prelude has no call(%s", past)
		}
		for _, s := range scripts {
			if m := pattern.FindString(code(s.Name)); m != "" {
				t.Errorf("%s has %s, which is for the prelude alone", s.Name, m)
			}
		}
	}
}

// TestEveryEndCountsMembers: the envelopes of jobs, which say of which batch they are members, go
// right after that was counted.
func TestEveryEndCountsMembers(t *testing.T) {
	t.Parallel()
	counted := regexp.MustCompile(`leave_links\([^\n]*\n(\s*end\n)?\s*leave_jobs\(`)
	ends := 0
	for _, name := range append(Scripts(), "prelude") {
		text := code(name)
		calls := strings.Count(text, "leave_jobs(") - strings.Count(text, "function leave_jobs(")
		if n := len(counted.FindAllString(text, -1)); n != calls {
			t.Errorf("%s: %d of %d calls of leave_jobs come after leave_links", name, n, calls)
		}
		ends += calls
	}
	if ends != 3 {
		t.Errorf("%d calls of leave_jobs, want those of finish, end_jobs and the turn", ends)
	}
}

// TestScriptsBuildNoKeys: in a slot that is being moved, a key that was not
// declared fails midway.
func TestScriptsBuildNoKeys(t *testing.T) {
	t.Parallel()
	for _, name := range append(Scripts(), "prelude") {
		text := code(name)
		for _, m := range keyOf.FindAllStringSubmatch(text, -1) {
			if strings.ContainsAny(m[1], ".'\"(") {
				t.Errorf("%s: %s) has a key that is made, not named", name, m[0])
			}
		}
		for _, word := range []string{"KEYS", "redis.call", "redis.pcall", "cjson"} {
			if strings.Contains(text, word) {
				t.Errorf("%s has %s", name, word)
			}
		}
		for _, c := range columns {
			if regexp.MustCompile(`\b` + c + `\s*\.\.|\.\.\s*` + c + `\b`).MatchString(quoted.ReplaceAllString(text, "")) {
				t.Errorf("%s makes a name out of the key %s", name, c)
			}
		}
	}
}

func TestScriptsAreDescribed(t *testing.T) {
	t.Parallel()
	entries, err := files.ReadDir("scripts")
	if err != nil {
		t.Fatal(err)
	}
	for _, entry := range entries {
		name := strings.TrimSuffix(entry.Name(), ".lua")
		if name == "prelude" {
			continue
		}
		if !slices.Contains(Scripts(), name) {
			t.Errorf("nobody loads %s", name)
		}
		text := library.Read(name)
		for _, want := range []string{"#!lua", "\n-- " + name + " ", "\n-- KEYS ", "\n-- Returns "} {
			if !strings.Contains(text, want) {
				t.Errorf("the header of %s has no %q", name, strings.TrimSpace(want))
			}
		}
		if writes := !strings.HasPrefix(text, "#!lua flags=no-writes"); writes && !strings.Contains(text, "repeat") {
			t.Errorf("the header of %s does not say what a repeat does", name)
		}
		for _, m := range regexp.MustCompile(`error_reply\('([A-Z]+)`).FindAllStringSubmatch(text, -1) {
			header := strings.Join(regexp.MustCompile(`(?m)^--.*$`).FindAllString(text, -1), "\n")
			if words[m[1]] == nil || !strings.Contains(header, m[1]) {
				t.Errorf("%s replies %s; words has %v, its header must name it", name, m[1], words[m[1]])
			}
		}
	}
}

// calls keeps the scripts that a client runs.
type calls struct {
	mu   sync.Mutex
	args [][]any
}

func (c *calls) note(cmd goredis.Cmder) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if cmd.Name() == "evalsha" {
		c.args = append(c.args, cmd.Args())
	}
}

func (c *calls) DialHook(next goredis.DialHook) goredis.DialHook { return next }

func (c *calls) ProcessHook(next goredis.ProcessHook) goredis.ProcessHook {
	return func(ctx context.Context, cmd goredis.Cmder) error {
		c.note(cmd)
		return next(ctx, cmd)
	}
}

func (c *calls) ProcessPipelineHook(next goredis.ProcessPipelineHook) goredis.ProcessPipelineHook {
	return func(ctx context.Context, cmds []goredis.Cmder) error {
		for _, cmd := range cmds {
			c.note(cmd)
		}
		return next(ctx, cmds)
	}
}

func TestCallersPassWhatHeadersSay(t *testing.T) {
	t.Parallel()
	r := newRig(t, sharedURL(t), 1)
	seen := &calls{}
	r.client.AddHook(seen)
	r.runEveryScript()
	bySHA, missing := map[string]*script{}, map[string]bool{}
	for _, s := range scripts {
		sum := sha1.Sum([]byte(library.Assemble(s.Name)))
		bySHA[hex.EncodeToString(sum[:])] = s
		missing[s.Name] = true
	}
	for _, args := range seen.args {
		s := bySHA[args[1].(string)]
		if s == nil { // not of this library
			continue
		}
		delete(missing, s.Name)
		keys := args[2].(int)
		argv := len(args) - 3 - keys
		if (keys != len(s.Columns) && (!s.Header.Each || keys%len(s.Columns) != 0)) || argv < len(s.Header.Args) || (argv > len(s.Header.Args) && !s.Header.More) {
			t.Errorf("%s gets %d keys and %d arguments; its header has %d and %d", s.Name, keys, argv, len(s.Columns), len(s.Header.Args))
		}
		of := map[string]int{"push": 2, "enqueue": 3, "rescue": 2}[s.Name]
		if of > 0 && (argv-len(s.Header.Args))%of != 0 {
			t.Errorf("%s gets %d further arguments, want sets of %d", s.Name, argv-len(s.Header.Args), of)
		}
	}
	if len(missing) > 0 {
		t.Errorf("nothing ran %v", missing)
	}
}

// runEveryScript calls each method of the engine that runs a script.
func (r *rig) runEveryScript() {
	r.t.Helper()
	l, dead := r.newLease(), r.newLease()
	ids := r.inEveryState(l)
	r.enqueue(r.newJob(), r.newJob(retained, in(0)))
	r.must(r.Beat(r.ctx, l)[0].Err)
	r.turn(dead, 1)
	r.kill(dead)
	_, err := r.Alive(r.ctx, dead, ids[drayhorse.Scheduled])
	r.must(err)
	r.must(r.part.Cancel(r.ctx, ids[drayhorse.Available]))
	r.must(r.part.Retry(r.ctx, ids[drayhorse.Discarded]))
	r.must(r.part.EditArgs(r.ctx, ids[drayhorse.Retryable], []byte("1")))
	r.must(r.part.Delete(r.ctx, ids[drayhorse.Completed]))
	r.must(r.client.LTrim(r.ctx, r.part.key(colReady), 1, 0).Err())
	_, err = r.part.Resync(r.ctx)
	r.must(err)
	r.awaitAll(r.ctx, []redis.Call{r.part.await("wake", time.Minute, false, []asked{{id: ids[drayhorse.Scheduled], number: 1}})})
	r.Report(r.ctx, []LeaseReports{{l, []*Report{{ID: ids[drayhorse.Running], Seq: 1, Number: 1, Attempt: 1}}}}, func(*Report, error) {}, func(*Report) {})
	_, err = r.part.ReadStream(r.ctx, ids[drayhorse.Running], "s", 0)
	r.must(err)
	_, _, err = r.part.Log(r.ctx, ids[drayhorse.Running])
	r.must(err)
	_, err = r.part.Steps(r.ctx, ids[drayhorse.Running])
	r.must(err)
	r.must((&StepClaim{r.part, ids[drayhorse.Running], l.Name, l.seq}).Keep(r.ctx, 1, "step", []byte("1")))
	_, err = r.part.Signal(r.ctx, ids[drayhorse.Running], newSignal(r.t, "signal", 1))
	r.must(err)
	_, err = r.part.Seal(r.ctx, Link("b", time.Now()))
	r.must(err)
	news, _, err := r.part.News(r.ctx, 0)
	r.must(err)
	r.must(r.part.Told(r.ctx, true, news...))
	r.must(r.part.Pause(r.ctx, Pause{}))
	r.must(r.part.Resume(r.ctx, Pause{}))
	r.must(SetMaxDepth(r.ctx, r.parts, 1000))
	_, err = r.SetLimit(r.ctx, &drayhorse.Limit{Name: "l", Queue: r.part.Queue, Concurrency: 1000}, true, "", "")
	r.must(err)
	r.must(r.DeclareShared(r.ctx, r.parts, &drayhorse.Limit{Name: "shared", Queue: r.part.Queue, Concurrency: 1000}, true, "", ""))
	r.must(r.GrantShares(r.ctx, []Grant{{Partition: r.part, Limit: "shared", Version: 1, Most: 1000}})[0].Err)
	_, err = r.Limits(r.ctx, r.part)
	r.must(err)
	r.must(r.part.Ring(r.ctx))
	r.RunTurnsAndLook(r.ctx, nil, r.parts)
	r.summary()
	r.pages(drayhorse.Running, 10)
	_, err = r.part.Sweep(r.ctx)
	r.must(err)
	r.must(r.Series(r.ctx, time.Hour, 1, 2, SeriesReader{}, r.part))
	r.must(r.NoteGroups(r.ctx, RanGroups{r.part, []string{"g"}})[0])
	_, err = r.part.Explain(r.ctx, ids[drayhorse.Scheduled])
	r.must(err)
	_, _, err = r.part.Pick(r.ctx, Places(drayhorse.Scheduled)[0], "", time.Now(), 1)
	r.must(err)
	_, err = r.part.Act(r.ctx, &ActionStep{Action: "a", Verb: VerbRetry, To: "x"})
	r.must(err)
	_, err = r.part.Purge(r.ctx, drayhorse.Scheduled)
	r.must(err)
	r.must(r.Leave(r.ctx, l))
	if err := r.OnJob(r.ctx, "", "none", func(*Partition, string) error { return nil }); !errors.Is(err, drayhorse.ErrNotFound) {
		r.t.Fatal(err)
	}
	r.must(r.DropQueues(r.ctx, true, r.part.Queue)[0].Err)
}
