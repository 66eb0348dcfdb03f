package jobs

import (
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/drayhorse/drayhorse/internal/redis"
	"github.com/drayhorse/drayhorse/internal/redistest"
)

// The tests of the tests: each mutant breaks one rule of a script on purpose, and
// the randomized test must notice.
var mutants = []struct {
	name     string
	script   *script
	from, to string
}{
	{"turn claims without running", turnScript, "call('HSET', running, unpack(held))", ""},
	{"turn stores no row", turnScript, "call('HSET', turns, lease, seq .. '|' .. epoch .. '|' .. rejected .. packed)", ""},
	{"turn compares no token", turnScript, "if call('HGET', running, id) ~= lease .. ':' .. claim then", "if call('HEXISTS', running, id) == 0 then"},
	{"turn compares no token of plain finishes", turnScript, "if tokens[i] ~= token then", "if not tokens[i] then"},
	{"turn looks at no lease", turnScript, "elseif not score or tonumber(score) <= 0 then", "elseif false then"},
	{"turn forgets cancels", turnScript, "if outcome ~= 'complete' and call('HEXISTS', cancels, id) == 1 then", "if false then"},
	{"turn promotes to the wrong end", turnScript, "available('LPUSH', ids)", "available('RPUSH', ids)"},
	{"enqueue stores no answer", enqueueScript, "call('SET', answer, seq .. '|' .. answers, 'PX', ttl_ms)\nreturn", "return"},
	{"push stores no answer", pushScript, "call('SET', answer, seq .. '|' .. answers, 'PX', ttl_ms)\n", ""},
	{"push does not ring", pushScript, "if not paused then ring() end", ""},
	{"push forgets envelopes", pushScript, "call('HSET', jobs, unpack(ARGV, rest))", ""},
	{"enqueue does not ring", enqueueScript, "if first and not paused then", "if false then"},
	{"enqueue forgets ticks", enqueueScript, "call('HSET', ticks, schedule, tick)", ""},
	{"rescue removes leases after its first step", rescueScript, "if step[1] == '0' then", "if true then"},
	{"rescue takes from the living", rescueScript, "if id ~= '' and not lives(", "if id ~= '' and ("},
	{"rescue counts nothing", rescueScript, "set_tally(id, failed, before + 1)", ""},
	{"cancel forgets the dead entry", cancelScript, "call('HINCRBY', stale, id, 1)", ""},
	{"retry leaves the job in the archive", retryScript, "call('HDEL', archive, id)", ""},
	{"delete leaves the envelope", deleteScript, "unline(id)\n  call('HDEL', jobs, id)", "unline(id)"},
	{"purge forgets what is counted as dead", purgeScript, "if n == 0 then", "if true then"},
	{"sweep trims one too few", sweepScript, "- max, limit)", "- max - 1, limit)"},
}

// mutantRuns is within how many runs a mutant must be noticed. What the rarest ones
// break takes a chain of events that comes up in one run of fifty: 200 runs would
// miss it now and then.
const mutantRuns = 1000

// TestModelNoticesMutants is not parallel: the scripts belong to all tests.
func TestModelNoticesMutants(t *testing.T) { //nolint:paralleltest // see above
	server := redistest.Start(t, redistest.WithUnixSocket())
	newWorld := redisWorlds(t, server)
	for _, m := range mutants {
		t.Run(m.name, func(t *testing.T) { //nolint:paralleltest // see above
			mutate(t, server, m.script, m.from, m.to)
			if !noticed(newWorld) {
				t.Errorf("the randomized test does not notice within %d runs", mutantRuns)
			}
		})
	}
}

// mutate changes a script until the end of the test.
func mutate(t *testing.T, server *redistest.Server, s *script, from, to string) {
	t.Helper()
	text := assemble(s.Name)
	if n := strings.Count(text, from); n != 1 {
		t.Fatalf("%s has %d times %q, want once", s.Name, n, from)
	}
	original := s.Script
	text = strings.Replace(text, from, to, 1)
	if err := server.Client(t).ScriptLoad(t.Context(), text).Err(); err != nil {
		t.Fatalf("the mutant is no script: %v", err)
	}
	s.Script = redis.NewScript(s.Name, text)
	t.Cleanup(func() { s.Script = original })
}

// noticed says whether one of the first runs fails.
func noticed(newWorld func(*rapid.T) *world) bool {
	run := rapid.Custom(func(t *rapid.T) (failed bool) {
		defer func() {
			_ = recover() // how rapid ends a run that failed
			failed = t.Failed()
		}()
		newWorld(t).run(t)
		return false
	})
	for seed := range mutantRuns {
		if run.Example(seed) {
			return true
		}
	}
	return false
}
