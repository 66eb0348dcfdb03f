package flows

import (
	"flag"
	"fmt"
	"maps"
	"slices"
	"testing"

	"github.com/drayhorse/drayhorse/flow"
	"github.com/drayhorse/drayhorse/internal/redistest"
)

// The tests of the test: each mutant breaks one rule of a script on purpose, and the randomized
// test must notice.
var mutants = []mutant{
	{"a plain end counts nobody", "turn", "leave_links('complete', ok, from, to)", ""},
	{"an end counts nobody", "turn", "if linked then leave_links(event, {id}, 1, 1, result) end", ""},
	{"a rescue counts nobody", "rescue", "if linked then leave_links(event, {id}, 1, 1, result) end", ""},
	{"a delete counts nobody", "delete", "if linked then leave_links(event, ids) end", ""},
	{"a purge counts nobody", "purge", "if linked then leave_links(event, ids) end", ""},
	{"an expiry counts nobody", "sweep", "if linked then leave_links(event, {id}, 1, 1, result) end", ""},
	{"a cancel counts nobody", "cancel", "if linked then leave_links(event, {id}, 1, 1, result) end", ""},
	{"what is stored is not counted", "enqueue", "if large >= '2' then count_stored(live) end", ""},
	{"a retried member counts again", "retry", "call('HSET', jobs, id, counted_as(envelope, state))", "call('HSET', jobs, id, envelope)"},
	{"a closed batch takes more", "enqueue", "elseif large >= '2' and closed_to(envelope) then", "elseif false then"},
	{"a seal does not seal", "members", "if sealed then row[3] = 1 end", ""},
	{"an op is done twice", "enqueue", "if done then return {clock(), ''} end", ""},
	{"an op forgets those before it", "enqueue", "if tonumber(n) >= low then kept[#kept + 1] = n end", ""},
	{"a change counts as told", "told", "(n == '' or tonumber(n) == row[1])", "true"},
	{"a change is not told", "turn", "if row[2] == 0 then\n    row[2] = call", "if false then\n    row[2] = call"},
	{"numbers do not rise", "turn", "row[1] = math.max(row[1] + 1, t[1] * 1000000 + t[2])", "row[1] = math.max(row[1], 1)"},
	{"an older row counts", "flow ends", "or new[1] <= before[1] then return end", "then return end"},
	{"a callback is released twice", "flow ends", "if string.find(fired, letter, 1, true) then return fired end", ""},
	{"it ends before it is sealed", "flow ends", "st == 'closing' and pend == 0 and", "st == 'closing' and"},
	{"it ends before all have ended", "flow ack", "pend == 0 and c + d + x >= a", "pend == 0"},
	{"it is a success in spite of failures", "flow ends", "st == 'ended' and bad == 0", "st == 'ended'"},
	{"a failure calls nobody", everywhere, "if bad > 0 then fired = fire(id, 'f', fired) end", ""},
	{"members add twice", "flow grow", "if call('ZSCORE', grown, name) then return 1 end", ""},
	{"it grows after its end", "flow grow", "f[1] == 'ended' or f[2]", "false"},
	{"members are added unseen", "flow grow", "join(ARGV[i], now)\n", "\n"},
	{"members join a closed batch", "flow join", "if call('HGET', flow, 'st') ~= 'open' then", "if false then"},
	{"an op is taken out twice", "flow ack", "if call('ZREM', outbox, entry) == 1 then", "call('ZREM', outbox, entry)\nif true then"},
	{"an addition is done before its row is known", "flow ack", "elseif row ~= '' then\n      take_row(to, row)\n    end", "end"},
	{"what is not done counts as done", "flow take", "string.match(call('ZRANGEBYLEX', outbox, '[' .. to .. '/', '+', 'LIMIT', 0, 1)[1], '(%d+)$')", "n"},
	{"a batch is forgotten here alone", "flow tick", "send(id, source, 'f', '')", "do end"},
	{"a step runs before all that it comes after has ended", "flow outcomes", "if s.need == 0 then release(id, s, now) else put_step(s) end", "release(id, s, now)"},
	{"a step runs in spite of a failure", "flow outcomes", "s.st == 'w' and how == 'b' and policy == 'c' then", "false then"},
	{"a failure cancels what runs anyway", "flow outcomes", "how == 'b' and policy == 'c' then", "how == 'b' then"},
	{"a held step goes on unmended", everywhere, "(how == 'b' and policy == 'e')", "how == 'b'"},
	{"a mended step lets nobody go on", everywhere, "before == 1 and 'h'", "before == 1 and 'b'"},
	{"edges beyond one call are lost", everywhere, "if next then todo[#todo + 1] = 'f|' .. i .. '|' .. next .. '|' .. how end", ""},
	{"edges beyond one call are followed anew", everywhere, "'f|' .. i .. '|' .. next .. '|' .. how", "'f|' .. i .. '|1|' .. how"},
	{"what is left of a call is done twice", "flow work", "if call('ZREM', outbox, entry) == 1 then\n  local op = call('HGET', ops, entry) or ''\n  call('HDEL', ops, entry)", "call('ZREM', outbox, entry)\nif call('HEXISTS', ops, entry) == 1 then\n  local op = call('HGET', ops, entry)"},
	{"steps beyond one call never begin", everywhere, "todo[#todo + 1] = what .. '|' .. i .. '||' .. how", "todo[#todo + 1] = nil"},
	{"a flow begins in parts", "flow submit", "if stored == tonumber(total) then", "if true then"},
	{"a flow begins twice", "flow submit", "if st and st ~= 'draft' then return", "if false then return"},
	{"another flow takes the ID", "flow submit", "(st ~= 'draft' or first > 0)", "false"},
	{"steps are added twice", "flow extend", "if known == #rows then return 1 end\nif known > 0 then", "if false then"},
	{"an added step waits for what has ended", "flow extend", "step_at(j).met or 0", "0 or 0"},
	{"an added step goes on in spite of a failure", "flow extend", "if met == 1 and policy == 'c' then cancelled[row.i] = true end", ""},
	{"nobody tells added steps", "flow extend", "for j, more in pairs(outs) do", "for j, more in pairs({}) do"},
	{"steps are added while others are told", "flow extend", "if tonumber(f[2] or 0) > 0 then", "if false then"},
	{"a cancelled flow takes more", "flow extend", "if f[1] or not by", "if not by"},
	{"a retry keeps what was met", everywhere, "s.need = need\n", "\n"},
	{"a retry runs in the old run's name", everywhere, "s.gen + 1, 0, 0, '0', 0, 0", "s.gen, 0, 0, '0', 0, 0"},
	{"a retry begins while others work", "flow retry", "if tonumber(f[3] or 0) > 0 then", "if false then"},
	{"a cancelled flow goes on", everywhere, "if not cancelled then left, next =", "if true then left, next ="},
	{"a signal in time is too late", "flow tick", "if tonumber(till) <= now then", "if true then"},
	{"an early signal is not kept", everywhere, "elseif call('HEXISTS', steps, 'g' .. s.i) == 1 then", "elseif false then"},
	{"a result is not told", "turn", "call('HSET', reports, 'V' .. link, result)", "do end"},
	{"a result stays after it was told", "told", "if is_step(link) then call('HDEL', reports, 'V' .. link) end", ""},
	{"what is known of steps is not forgotten", everywhere, "for _, partition in ipairs(to) do send(id, partition, 'o', rows[partition]) end", ""},
	{"a cancel is not waited for", "flow cancel", "st == 'closing' and pend == 0 and", "st == 'closing' and"},
	{"what has ended lives on", everywhere, "call('ZREM', living, id)", ""},
	{"what is retried does not live", "flow retry", "call('ZADD', living, f[12], id)", ""},
	{"an op is done twice among others", "enqueue", "which[#which + 1] = known[n] or tonumber(n) < low", "which[#which + 1] = known[n] and string.find(numbers, ';') == nil"},
}

// rare are mutants that hardly show by chance, each with what brings it about and gives what is wrong.
var rare = map[string]func(*world) error{"an older row counts": (*world).takesOlderRow}

// takesOlderRow tells a batch of two ends, and then again of one, as a call does that was long on its way.
func (w *world) takesOlderRow() error {
	made, err := w.store.Create(w.ctx, flow.Batch{ID: "b"}, 1000)
	if err != nil {
		return err
	}
	if err := w.store.Join(w.ctx, "b", made.CreatedAt, w.parts[0]); err != nil {
		return err
	}
	for _, row := range []string{"5|3|2|0|0", "4|3|1|0|0"} {
		if _, err := w.store.run(w.ctx, endsScript, "b", made.CreatedAt.UnixMilli(), Source(w.parts[0]), row); err != nil {
			return err
		}
	}
	info, err := w.store.Get(w.ctx, "b")
	if err == nil && info.Completed != 2 {
		err = fmt.Errorf("%d members have completed, and 2 had", info.Completed)
	}
	return err
}

// Each takes runs of the model until one notices: all of them are a target of their own. These are
// noticed within seconds.
var (
	allMutants = flag.Bool("mutants", false, "break all rules, not a few of them")
	quick      = []string{
		"a plain end counts nobody", "an op is done twice", "an older row counts", "it ends before it is sealed",
		"a step runs before all that it comes after has ended", "a flow begins in parts",
	}
)

const (
	mutantRuns  = 40
	mutantSteps = 800
)

// TestBatchesModelNoticesMutants: a run that is played to its end without a fault misses one.
func TestBatchesModelNoticesMutants(t *testing.T) {
	t.Parallel()
	for _, m := range mutants {
		if !*allMutants && !slices.Contains(quick, m.name) {
			continue
		}
		t.Run(m.name, func(t *testing.T) { //nolint:paralleltest // each wants a server of its own
			g := newPlayground(t, redistest.Start(t, redistest.WithUnixSocket()), &m)
			for seed := range uint64(mutantRuns) {
				if err := g.tries(&m, seed+1); err != nil {
					t.Logf("noticed: %v", err)
					return
				}
			}
			t.Errorf("the randomized test does not notice within %d runs", mutantRuns)
		})
	}
}

// tries gives what is wrong with a mutant in a run, or in what brings it about.
func (g *playground) tries(m *mutant, seed uint64) error {
	by := rare[m.name]
	if by == nil {
		return g.play(seed, mutantSteps)
	}
	w, end, err := g.open(seed)
	if err != nil {
		return err
	}
	defer end()
	return by(w)
}

// TestRareMutantsAreBroughtAbout: nothing is wrong where no rule is broken.
func TestRareMutantsAreBroughtAbout(t *testing.T) {
	t.Parallel()
	g := newPlayground(t, redistest.Start(t, redistest.WithUnixSocket()), nil)
	for name := range rare {
		if err := g.tries(&mutant{name: name}, 1); err != nil {
			t.Errorf("%s, though nothing is broken: %v", name, err)
		}
	}
	for _, name := range slices.AppendSeq(slices.Clone(quick), maps.Keys(rare)) {
		if !slices.ContainsFunc(mutants, func(m mutant) bool { return m.name == name }) {
			t.Errorf("%q is no mutant", name)
		}
	}
}
