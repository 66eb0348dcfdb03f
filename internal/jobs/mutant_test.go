package jobs

import (
	"flag"
	"fmt"
	"strings"
	"testing"
	"time"

	goredis "github.com/redis/go-redis/v9"
	"pgregory.net/rapid"

	"github.com/drayhorse/drayhorse"
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
	{"turn leaves what is finished in running", turnScript, "return call('HDEL', running, unpack(ids, i or 1, j or #ids))", "return 0"},
	{"turn leaves the envelope", turnScript, "leave_jobs('complete', ok, from, to)", ""},
	{"turn tells of jobs of a paused queue", turnScript, "return paused and 0 or call", "return call"},
	{"turn tells of the due job that was promoted", turnScript, "promote()\n  due = next_due()", "promote()"},
	{"turn stores no row", turnScript, "call('HSET', turns, lease, seq .. '|' .. epoch .. '|' .. rejected .. packed)", ""},
	{"turn compares no token", turnScript, "if call('HGET', running, id) ~= lease .. ':' .. claim then", "if call('HEXISTS', running, id) == 0 then"},
	{"turn compares no token of plain finishes", turnScript, "if tokens[i] ~= token then", "if not tokens[i] then"},
	{"turn looks at no lease", turnScript, "elseif not score or tonumber(score) <= 0 then", "elseif false then"},
	{"turn forgets cancels", turnScript, "if outcome ~= 'complete' and call('HEXISTS', cancels, id) == 1 then", "if false then"},
	{"turn promotes to the wrong end", turnScript, "available('LPUSH', ids)", "available('RPUSH', ids)"},
	{"enqueue stores no answer", enqueueScript, "  call('SET', answer, seq .. '|' .. answers, 'PX', ttl_ms)\nend", "end"},
	{"push stores no answer", pushScript, "call('SET', answer, seq .. '|' .. answers, 'PX', ttl_ms)\n", ""},
	{"push does not ring", pushScript, "open(jobs)\n  ring(paused)", "open(jobs)"},
	{"push forgets envelopes", pushScript, "call('HSET', jobs, unpack(ARGV, rest, last))", ""},
	{"enqueue does not ring", enqueueScript, "if first then", "if false then"},
	{"enqueue forgets ticks", enqueueScript, "call('HSET', ticks, schedule, tick)", ""},
	{"rescue removes leases after its first step", rescueScript, "if step[1] == '0' then", "if true then"},
	{"rescue takes from the living", rescueScript, "if entries[i] ~= '' and not lives(lease) then", "if entries[i] ~= '' then"},
	{"rescue counts nothing", rescueScript, "set_blame(id, b)\n  leave_running", "leave_running"},
	{"rescue convicts in company", rescueScript, "(b.trial > 0 and alone and (", "(b.trial > 0 and ("},
	{"rescue convicts whom it has seen alone once", rescueScript, "b.narrowed == 1 or b.alone >= ALONE", "true"},
	{"rescue knows no company", rescueScript, "elseif b.trial > 0 then b.narrowed = 1 end", "end"},
	{"rescue ends no trial", rescueScript, "b.trial > 0 and 1 or 0, 0", "b.trial > 0 and 1 or 0, b.trial"},
	{"a trial takes all", turnScript, "math.ceil(size / 2)", "size"},
	{"a failure clears nothing", turnScript, "set_tally(id, tally(id) + 1, 0)", "local b = blame(id) b.failed = b.failed + 1 set_blame(id, b)"},
	{"a snooze clears nothing", turnScript, "clear(id)\n      if tally", "if tally"},
	{"a release goes on with the trial", turnScript, "untried(id)\n      local envelope", "local envelope"},
	{"alive leaves suspects", aliveScript, "if call('LREM', suspects, 1, id) == 1 then", "if false then"},
	{"alive leaves what is not taken back yet", aliveScript, "if call('HEXISTS', cancels, id) == 0 then", "if false then"},
	{"rescue leaves jobs in running", rescueScript, "leave_running(guilty and 'poison' or 'rescue', {id})", ""},
	{"ring wakes for a paused queue", ringScript, "return in_line(paused or (gate and shut_until(now)), now), paused", "return in_line(false, now), false"},
	{"cancel forgets the dead entry", cancelScript, "call('HINCRBY', stale, id, 1)", ""},
	{"retry leaves the job in the archive", retryScript, "call('HDEL', archive, unpack(ids))", ""},
	{"delete leaves the envelope", deleteScript, "end_jobs('delete', {id}, {envelope})", ""},
	{"purge forgets what is counted as dead", purgeScript, "if n == 0 then", "if true then"},
	{"purge leaves the record", purgeScript, "call('HDEL', archive, unpack(ids))", ""},
	{"sweep trims one too few", sweepScript, "call('ZCARD', set) - max_jobs", "call('ZCARD', set) - max_jobs - 1"},
	{"sweep knows no bytes", sweepScript, "bytes <= 0 then return ids", "true then return ids"},
	{"sweep trims the youngest", sweepScript, "call('ZRANGE', set, 0, limit - 1)", "call('ZREVRANGE', set, 0, limit - 1)"},
	{"the archive counts no bytes", cancelScript, "call('HINCRBY', meta, state .. '_bytes', #ended + bytes)", ""},
	{"the end of a job leaves its key", turnScript, "if keyed then give_keys(ids, envelopes or call('HMGET', jobs, unpack(ids)), false, event) end", ""},
	{"the end of a job frees another's key", turnScript, "if held == '1' and id == ids[i] then", "if held == '1' then"},
	{"the end of a job leaves who waits", turnScript, "if reported then leave_reports(event, {id}) end", ""},
	{"a plain end leaves who waits", turnScript, "leave_reports('complete', ok, from, to)", ""},
	{"delete leaves who waits", deleteScript, "if reported then leave_reports(event, ids) end", ""},
	{"the end of a job leaves what was reported", turnScript, "if head and kept == 0 then drop_reports(id) end", ""},
	{"the archive leaves what was reported", deleteScript, "for i = 1, #ids do drop_reports(ids[i]) end", ""},
	{"the archive counts no reports", turnScript, "'_bytes', #ended + bytes)", "'_bytes', #ended)"},
	{"a report needs no claim", reportScript, "if call('HGET', running, id) ~= token then", "if false then"},
	{"nothing notes that nobody waits any more", cancelScript, "call('HDEL', meta, 'reports')", ""},
	{"a start leaves the key", turnScript, "give_keys(ids, envelopes, true)", ""},
	{"a start frees what the end does", turnScript, "if key and (started or not start) then", "if key then"},
	{"a key is held by what is gone", enqueueScript, "held == '1' and call('HEXISTS', jobs, id) == 1", "held == '1'"},
	{"the last replaces what runs", enqueueScript, "if holds and call('HEXISTS', running, other) == 0 then", "if holds then"},
	{"keys of one call are not seen", enqueueScript, "if taken_here[key] then store() end", ""},
	{"retry takes no key", retryScript, "take_keys({key, held_key(id, now, 0)})", ""},
	{"retry takes another's key", retryScript, "if other and other ~= id then", "if false then"},
	{"delete leaves the key", deleteScript, "if keyed then give_keys(ids, envelopes or call('HMGET', jobs, unpack(ids)), false, event) end", ""},
	{"enqueue replaces what is live", enqueueScript, "return here[id] or call('HEXISTS', jobs, id) == 1 or", "return here[id] or (own == '1' and call('HEXISTS', jobs, id) == 1) or"},
	{"enqueue leaves the record of the one before", enqueueScript, "if own ~= '' and call('HEXISTS', archive, id) == 1 then", "if false then"},
	{"a claim starts what is late", turnScript, "if at <= now then", "if false then"},
	{"a claim does not say what was late", turnScript, "lapse(ids[i], now, at)\n      discards[#discards + 1] = ids[i]", "lapse(ids[i], now, at)"},
	{"sweep leaves nothing to others", sweepScript, "now - tonumber(grace_ms)", "now"},
	{"what runs still expires", turnScript, "if expiring and #ids > 0 then note_starts(ids) end", ""},
	{"what is handed back has started", turnScript, "if at >= FAR then call('ZADD', expiry", "if false then call('ZADD', expiry"},
	{"what has failed still expires", turnScript, "if event ~= 'release' and event ~= 'divert' then", "if event == 'complete' then"},
	{"what was rescued still expires", rescueScript, "if event ~= 'release' and event ~= 'divert' then", "if false then"},
	{"sweep leaves what is late in line", sweepScript, "unline(id)\n  end", "end"},
	{"sweep takes another from the line", sweepScript, "if call('LINDEX', ready, -1) == id and", "if call('LLEN', ready) > 0 and"},
	{"enqueue notes no time to start", enqueueScript, "if #starts > 0 then expire_at(starts) end", ""},
	{"the last one leaves the first its time", enqueueScript, "renew(other, within)", ""},
	{"what is late is kept", enqueueScript, "local late = holds and (expires_at(other) or FAR) <= now", "local late = false"},
	{"push knows no depth", pushScript, "if fit < all then", "if false then"},
	{"push refuses one too few", pushScript, "math.min(all, space())", "math.min(all, space() + 1)"},
	{"push stores what it refuses", pushScript, "call('HSET', jobs, unpack(ARGV, rest, last))", "call('HSET', jobs, unpack(ARGV, rest))"},
	{"enqueue knows no depth", enqueueScript, "elseif left == 0 and ended ~= '1' then", "elseif false then"},
	{"enqueue forgets what it has stored", enqueueScript, "if left and ended ~= '1' then left = left - 1 end", ""},
	{"a refused job takes its key", enqueueScript, "if left == 0 then return '4' end", ""},
	{"a limit counts itself", turnScript, "math.max(call('HLEN', running) - 1, 0) -- one field is the filler", "call('HLEN', running)"},
	{"a limit looks at nothing that runs", turnScript, "left = math.min(left, free)", ""},
	{"starts are not counted", turnScript, "note_rates(bounds, #ids, now)", ""},
	{"a rate lets one more through", turnScript, "local starts = math.floor((now * 1000 + burst * every - on) / every)", "local starts = math.floor((now * 1000 + burst * every - on) / every) + 1"},
	{"a shut queue tells of its line", turnScript, "    note_shut(now)", ""},
	{"a gate opens too late", turnScript, "math.ceil((on + every - burst * every) / 1000)", "math.ceil((on + every) / 1000)"},
	{"a rescue leaves the gate shut", rescueScript, "if gate then -- there may be room", "if false then"},
	{"a limit is dropped with its name alone", limitScript, "call('HDEL', meta, 'tat:' .. name, 'brk:' .. name)", ""},
	{"a paused kind starts", turnScript, "(gate.closed or gate.room == 0 or (lined and", "(gate.room == 0 or (lined and"},
	{"those in line overtake a lane", turnScript, "(lined and is_behind(name, place))", "false"},
	{"those in line overtake who goes aside", turnScript, "if (asides.first[kind] or math.huge) <= place then return true end", ""},
	{"a lower priority that is aside holds up a higher one", turnScript, "if not ranked then return call('ZSCORE', lanes, kind) end", "if true then return call('ZSCORE', lanes, kind) end"},
	{"a lane of a paused kind is claimed", turnScript, "if declared and declared[lane] and declared[lane].closed then return end", ""},
	{"workers are told of a paused lane", turnScript, "if not closed[lane] and not (", "if not ("},
	{"a suspect of a paused kind is tried", turnScript, "if bars(declared, kind, line[i], envelope) then", "if false then"},
	{"a resume forgets the lane", pauseScript, "g.bounds ~= '' or waiting[i] then", "g.bounds ~= '' then"},
	{"what became of a paused kind starts", turnScript, "elseif declared and (kind ~= lane or halted) and", "elseif false and"},
	{"a resume tells nobody", pauseScript, "barred = set_meta('barred', '', barred)", ""},
	{"a drained kind is kept", turnScript, "  declare(all, names, waiting)\n  barred", "  barred"},
	{"a release goes behind those aside", turnScript, "if aside then", "if false then"},
	{"a kind's limit looks at nothing that runs", turnScript, "local run = kind and tonumber(call('HGET', meta, 'run:' .. kind) or 0) or", "local run = kind and 0 or"},
	{"a plain end gives no place back", turnScript, "leave_limits('complete', ok, from, to, now)", ""},
	{"an end gives no place back", turnScript, "leave_limits(outcome, {id}, 1, 1, now)", ""},
	{"a rescue gives no place back", rescueScript, "leave_limits('rescue', {id}, 1, 1, now)", ""},
	{"a kind's limit forgets what runs", limitScript, "recount(all, names)", ""},
	{"starts of a kind are not counted", turnScript, "note_rates(all[kind].bounds, #started[kind], now)", ""},
	{"a kind's limit counts each turn once", turnScript, "if g and g.room then g.room = g.room - 1 end", ""},
	{"what met a rate goes to the end", turnScript, "set_aside(kind, {id}, true)", "set_aside(kind, {id})"},
	{"what met a rate is alone in that", turnScript, "      close(kind, delay)\n", ""},
	{"a queue's rate is not met", turnScript, "if has_rate(bounds or '') then", "if false then"},
	{"a clock that is set back shuts a kind", turnScript, "return till > now and since <= now", "return till > now"},
	{"nobody is told when a kind goes on", turnScript, "tonumber(till) < tonumber(due or FAR) then due = till end", "false then due = till end"},
	{"a rate that was met clears nothing", turnScript, "clear(id)\n      kind = rests(id, kind)", "kind = rests(id, kind)"},
	{"the highest priority alone starts", turnScript, "pick == 0 and 4 or pick % 64 == 0 and 3 or pick % 8 == 0 and 2 or 1", "1"},
	{"a lower priority starts too seldom", turnScript, "pick % 8 == 0 and 2", "pick % 9 == 0 and 2"},
	{"picks are not kept", turnScript, "call('HSET', meta, 'picks', picks)", ""},
	{"a turn forgets the priority of what it puts in line", turnScript, "elseif envelopes and stands_apart(envelopes[i]) then", "elseif false then"},
	{"a rescue forgets the priority", rescueScript, "elseif envelopes and stands_apart(envelopes[i]) then", "elseif false then"},
	{"a retry forgets the priority", retryScript, "elseif envelopes and stands_apart(envelopes[i]) then", "elseif false then"},
	{"enqueue forgets the priority", enqueueScript, "if apart then\n        above", "if false then\n        above"},
	{"enqueue rings for normal jobs alone", enqueueScript, "first = empty or", "first ="},
	{"lanes of kinds know no priority", turnScript, "priority_of(envelopes[i]), grouped and", "0, grouped and"},
	{"a cancel leaves the number of those in line", cancelScript, "count_ranked(-1)", ""},
	{"the last one brings no priority", enqueueScript, "if ranked and priority_of(before) ~= priority_of(envelope) then rank(other, envelope) end", ""},
	{"a shut lane is claimed by priority", turnScript, "if not (declared and declared[name] and declared[name].closed) then", "if true then"},
	{"workers are told of normal jobs alone", turnScript, "call('LLEN', ready) + met_in(now)", "call('LLEN', ready)"},
	{"nobody is told when one of another priority may start", turnScript, "((ranked or 0) > 0 or call('EXISTS', ready, suspects, lanes) > 0)", "call('EXISTS', ready, suspects, lanes) > 0"},
	{"a dead entry is claimed by priority", turnScript, "if not slot and is_dead(id) then return 'passed' end", ""},
	{"what is claimed by priority stays in its lane", turnScript, "call('ZREM', parked, unpack(slots))", ""},
	{"what was popped by priority is lost", turnScript, "put_in_front(popped.ids, popped.at)", ""},
	{"a group has all turns", turnScript, "    level.turn = level.turn + 1\n    table.insert(level.had, group)", ""},
	{"turns are forgotten", turnScript, "if #order > 0 and level.known > 1 then", "if false then"},
	{"a group has no limit", turnScript, "not gate_of(source) and fill", "fill"},
	{"a limit of groups counts each turn once", turnScript, "do rooms[at] = room_at(at) - 1 end", "do room_at(at) end"},
	{"what starts in a group is not counted", turnScript, "if counts_runs(terms_at(at)) then call('ZINCRBY', gates, n[at], at) end", ""},
	{"a rate in a group is not counted", turnScript, "note_rates(terms_at(at), n[at], now, at)", ""},
	{"what ends in a group opens no gate", turnScript, "      freed[#freed + 1] = at\n", ""},
	{"a rescue opens no gate", rescueScript, "      freed[#freed + 1] = at\n", ""},
	{"an open gate is not looked at", turnScript, "if group_limits then open_gates() end", ""},
	{"those that wait are told of", turnScript, "if not group_limits or call('EXISTS', blocked) == 0 then return ranked or 0 end", "if true then return ranked or 0 end"},
	{"lanes of those that wait are told of", turnScript, "and not (wait and not has_any(lane) and not has_any(RING .. lane))", ""},
	{"nobody is told when a group may go on", turnScript, "if first and tonumber(first) < tonumber(due or FAR) then due = first end", ""},
	{"a change has nobody look again", limitScript, "set_wait_notes('0', since, in_groups)", "set_wait_notes('-', since, in_groups)"},
	{"a clock that is set back has a group wait", turnScript, "if now < since then cursor = '0' end", ""},
	{"a limit of groups forgets what runs", limitScript, "if group_limits then recount_groups(of_groups) end", ""},
	{"a kind is overtaken in its group", turnScript, "(lined and ((asides.first[own] or math.huge) <= place or has_jobs(own, place)))", "false"},
	{"a kind that waits in one group holds up others", turnScript, "put_aside(line, its, id, place)", "put_aside(line, line, id, place)"},
	{"a suspect does not wait for its group", turnScript, "if not lined and all[''] and room_at('=' .. group) == 0 then", "if false then"},
	{"a suspect that has waited is no suspect", turnScript, "local tried = slot and group_limits and is_suspect(id)", "local tried = false"},
	{"a group that is met first wakes nobody", enqueueScript, "(group_limits and met > 0) or", ""},
	{"a release goes behind those of its kind in its group", turnScript, "aside = others and kind", ""},
	{"a kind rests in all groups", turnScript, "if has_rate(all[kind] or '') then return kind .. '=' .. group end", ""},
	{"sweep keeps rates of groups", sweepScript, "if #old > 0 then call('ZREM', gates, unpack(old)) end", ""},
	{"a breaker never opens", turnScript, "if all >= b.min and failed * 1000 >= b.rate * all then", "if false then"},
	{"an open breaker lets jobs start", turnScript, "if t.state == 'o' and is_closed(t.n, t.since, now) then return 0, t.n end", ""},
	{"a breaker tries any number", turnScript, "local left = math.max(b.probes - t.n - #probes_of(t), 0)", "local left = b.probes"},
	{"a probe that fails is forgotten", turnScript, "t.state, t.n, t.since, t.rest = 'o', now + b.cool, now, ''\n      return", "return"},
	{"one probe closes a breaker", turnScript, "if t.n >= b.probes then", "if t.n >= 1 then"},
	{"any job that ends is a probe", turnScript, "if not was then return end -- it was claimed before", ""},
	{"a breaker forgets nothing", turnScript, "if at < t.n or at - t.n >= 10 then list = {} end", ""},
	{"probes of a kind are not noted", turnScript, "note_probes(all[kind].bounds, started[kind], now)", ""},
	{"probes are not noted", turnScript, "if breakers then note_probes(bounds, ids, now) end", ""},
	{"a plain end tells no breaker", turnScript, "leave_limits('complete', ok, from, to, now)", "local all = breakers breakers = false leave_limits('complete', ok, from, to, now) breakers = all"},
	{"a rescued probe is one for ever", rescueScript, "if breakers then leave_breakers(event, ids, i, j, envelopes, now) end", ""},
	{"a limit that is set keeps its breaker open", limitScript, "if source == 'operator' or before ~= terms then call('HDEL', meta, 'brk:' .. name) end", ""},
	{"a cancel leaves the seat of a group", cancelScript, "if #slots_of(lane, priority, 1) == 0 then leave_ring(line, priority, {group}) end", ""},
	{"a claim leaves the seat of a group", turnScript, "for name, groups in pairs(gone) do leave_ring(name, level.priority, groups) end", ""},
	{"jobs of no group have no turn", turnScript, "if call('HEXISTS', route, seat_of(RANKED, level.priority, '')) == 1 then return end", "if true then return end"},
	{"jobs of no group keep their turn", turnScript, "if group.name == '' and not some then", "if false then"},
	{"jobs of no group take turns alone", turnScript, "if string.sub(slot, -1) ~= '/' then return end", "if true then return end"},
	{"enqueue notes no groups", enqueueScript, "if not grouped and group_of(envelope) then", "if false then"},
	{"enqueue puts jobs of groups in ready", enqueueScript, "return (string.byte(envelope or '', 2) or 0) >= 32", "return math.floor((string.byte(envelope or '', 2) or 0) / 32) % 4 > 0"},
	{"a turn puts jobs of groups in ready", turnScript, "return (string.byte(envelope or '', 2) or 0) >= 32", "return math.floor((string.byte(envelope or '', 2) or 0) / 32) % 4 > 0"},
	{"a group has no seat", enqueueScript, "met = met + enter_ring(line, priority, its)", ""},
	{"a group that comes back has no seat", turnScript, "met = met + enter_ring(line, priority, its)", ""},
	{"a group loses its turn to its next job", enqueueScript, "if not seat then first[#first + 1] = groups[i] end", "first[#first + 1] = groups[i]"},
	{"groups that are aside are overtaken", turnScript, "return has_jobs(kind, place) or (grouped and has_jobs(RING .. kind, place))", "return has_jobs(kind, place)"},
	{"groups of one line come before those of another", turnScript, "if its and (not seat or its.place < seat.place) then", "if its and not seat then"},
	{"a group in two lines has two turns", turnScript, "if not level.met[seat.group] then", "if true then"},
	{"a group behind the unique key is not seen", enqueueScript, "for _, before in ipairs({2, 4}) do", "for _, before in ipairs({4}) do"},
	{"a paused group starts", turnScript, "return {kind .. '=' .. group, '=' .. group, kind}", "return {kind .. '=' .. group, kind}"},
	{"a paused kind of a group starts", turnScript, "return {kind .. '=' .. group, '=' .. group, kind}", "return {'=' .. group, kind}"},
	{"what is aside for its kind knows no paused group", turnScript, "(kind ~= lane or halted) and", "kind ~= lane and"},
	{"a release forgets that its group is paused", turnScript, "aside = aside or (kinds_declared(now)[name] and name)", "aside = aside or (kinds_declared(now)[kind] and kind)"},
	{"a refused finish counts", turnScript, "#rejects == 0 and nsums or 0", "nsums"},
	{"what is cancelled counts as failed", turnScript, "if CODES[outcome] then note_end", "if false then note_end"},
	{"an end does not count", turnScript, "if event ~= 'import' then note_end", "if false then note_end"},
	{"a minute counts again", turnScript, "  call('DEL', minute)\n", ""},
	{"a minute is lost", turnScript, "if of and of ~= at then\n    end_minute(of)", "if of and of ~= at then\n    call('DEL', minute)"},
	{"an hour has its last minute alone", turnScript, "local sum = counts_in(call('HGET', series, field) or '')", "local sum = {}"},
	{"a rescue counts no ends", rescueScript, "count_ends(now, 0, 0)\n", ""},
	{"a cancel counts no end", cancelScript, "count_ends(clock(), 0, 0)\n", ""},
	{"delete frees an ID at once", deleteScript, "if #envelope < 8 or header(envelope) then remember(id, clock(), 'cancelled') end", ""},
	{"an older share replaces a newer one", shareScript, "tonumber(version) > before.version", "true"},
	{"a share gives starts", shareScript, "math.ceil((once - left / 1000) * every)", "0"},
	{"a share takes starts away unsaid", shareScript, "freed = free - left", "freed = 0"},
	{"a share of no starts lets them", shareScript, "return string.format('%s,%s,0', most, every ~= '0' and every or string.format('%.0f', FAR))", "return most .. ',0,0'"},
	{"enqueue takes no keys", enqueueScript, "if #keys > 0 then take_keys(keys) end", ""},
	{"a key that a call has taken is as before", enqueueScript, "taken_here[key], rows[key] = true, nil", "taken_here[key] = true"},
	{"a full queue takes plain jobs", enqueueScript, "if left or stands_apart", "if stands_apart"},
	{"a plain job of a priority is in ready", enqueueScript, "if left or stands_apart(envelope) or", "if left or"},
}

// rare are mutants that show after what hardly comes up by chance, or cannot in the model,
// each with a test that brings it about and gives what is wrong.
var rare = map[string]func(*rig) (fault string){
	"an older share replaces a newer one": (*rig).takesALateShare,
	"a share gives starts":                (*rig).startsMoreThanItsShare,
	"a share takes starts away unsaid":    (*rig).startsMoreThanItsShare,
	"a share of no starts lets them":      (*rig).startsMoreThanItsShare,

	"one probe closes a breaker": (*rig).closesByOneProbe,
	"probes are not noted":       (*rig).closesByOneProbe,

	"rescue convicts in company":    (*rig).convictsOthers,
	"rescue knows no company":       (*rig).convictsOthers,
	"a key is held by what is gone": (*rig).keepsALostKey,
	"retry takes another's key":     (*rig).retriesBesideAnother,

	"a clock that is set back shuts a kind": (*rig).shutByAClock,
	"what became of a paused kind starts":   (*rig).startsAsAnother,

	"a clock that is set back has a group wait":      (*rig).waitsByAClock,
	"a kind is overtaken in its group":               (*rig).overtakesInItsGroup,
	"a kind that waits in one group holds up others": (*rig).holdsUpOthers,

	"any job that ends is a probe": (*rig).closesByAnother,

	"a suspect that has waited is no suspect":              (*rig).triesASuspectThatHasWaited,
	"a release goes behind those of its kind in its group": (*rig).releasesBehindItsKind,

	"a release forgets that its group is paused": (*rig).releasesBehindItsGroup,
	"a release goes on with the trial":           (*rig).releasesFromATrial,
}

// convictsOthers has workers die by one job of several. Who is tried with whom is chance,
// so it is played often.
func (r *rig) convictsOthers() (fault string) {
	for n := 0; n < 50 && fault == ""; n++ {
		fault = r.misjudged(7, 3)
	}
	return fault
}

// keepsALostKey has a unique job go that leaves its key, as by programs that know none.
func (r *rig) keepsALostKey() (fault string) {
	by := uniquely(drayhorse.UniqueBy{})
	r.must(r.client.HDel(r.ctx, r.part.key(colJobs), r.wantNew(by)).Err())
	if _, stored := r.put(by); stored.Duplicate {
		return "a job that is not there has the key"
	}
	return ""
}

// startsAsAnother has a job that is aside become one of another kind, which is paused.
func (r *rig) startsAsAnother() (fault string) {
	last := drayhorse.UniqueBy{Conflict: drayhorse.KeepLast}
	l := r.newLease()
	r.must(r.part.Pause(r.ctx, Pause{Kind: "before"}))
	r.put(kind("before"), uniquely(last))
	r.turn(l, 1)
	if _, stored := r.put(kind("after"), uniquely(last)); !stored.Duplicate {
		return "the first was not replaced"
	}
	r.must(r.part.Pause(r.ctx, Pause{Kind: "after"}))
	r.must(r.part.Resume(r.ctx, Pause{Kind: "before"}))
	reply := r.RunTurns(r.ctx, &Turn{Lease: l, Want: 1, Lanes: []string{"before"}})[0]
	r.must(reply.Err)
	if len(reply.Claims) > 0 {
		return "a job of a paused kind starts"
	}
	return ""
}

// closesByOneProbe has one of two probes of a breaker succeed, and the other one run.
func (r *rig) closesByOneProbe() (fault string) {
	r = r.limited(breaking())
	r.enqueue(r.newJob(), r.newJob(), r.newJob(), r.newJob(), r.newJob())
	l := r.newLease()
	failed := r.turn(l, 2).Claims
	r.turn(l, 0, failed[0].finish(Exhaust), failed[1].finish(Exhaust))
	r.coolDown()
	probes := r.turn(l, 5).Claims
	if len(probes) != 2 {
		return fmt.Sprintf("%d probes start, want 2", len(probes))
	}
	if n := len(r.turn(l, 5, probes[0].finish(Complete)).Claims); n > 0 {
		return "jobs start when one of two probes has succeeded"
	}
	return ""
}

// releasesBehindItsGroup hands back a job whose group was paused meanwhile, and has others that are aside.
func (r *rig) releasesBehindItsGroup() (fault string) {
	pause, l := Pause{Group: "g"}, r.newLease()
	r.enqueueGroup("g", 2)
	held := r.turn(l, 1).Claims
	r.must(r.part.Pause(r.ctx, pause))
	r.turn(l, 1)
	r.turn(l, 0, held[0].finish(Release))
	r.must(r.part.Resume(r.ctx, pause))
	reply := r.RunTurns(r.ctx, &Turn{Lease: l, Want: 2, Lanes: []string{"=g"}})[0]
	r.must(reply.Err)
	if len(reply.Claims) == 0 || reply.Claims[0].ID != held[0].ID {
		return "a job that was handed back starts behind those of its group"
	}
	return ""
}

// releasesFromATrial hands back a job that is in a trial.
func (r *rig) releasesFromATrial() (fault string) {
	id := r.enqueue(r.newJob())[0]
	r.suspect(id)
	l := r.newLease()
	reply := r.RunTurns(r.ctx, &Turn{Lease: l, Want: 1, Trial: true})[0]
	r.must(reply.Err)
	r.claimed(reply.Turned, id)
	r.turn(l, 0, reply.Claims[0].finish(Release))
	_, noted, _ := strings.Cut(r.client.HGet(r.ctx, r.part.key(colCounts), id).Val(), "|")
	if trial := strings.Split(noted, ",")[3]; trial != "0" {
		return "a job that was handed back is in a trial of " + trial
	}
	return ""
}

// shutByAClock has a kind be shut by what was known an hour from now.
func (r *rig) shutByAClock() (fault string) {
	r.enqueue(r.newJob())
	hour := time.Hour.Milliseconds()
	now := time.Now().UnixMilli()
	r.must(r.client.HSet(r.ctx, r.part.key(colMeta), "kinds", fmt.Sprintf("test|0|%d|%d|;", now+2*hour, now+hour)).Err())
	if len(r.turn(r.newLease(), 1).Claims) == 0 {
		return "a clock that was set back shuts a kind"
	}
	return ""
}

// waitsByAClock has a group wait for a time that was noted by a clock an hour ahead.
func (r *rig) waitsByAClock() (fault string) {
	r.perGroup("l", "", perHour(1, 1))
	r.enqueueGroup("g", 2)
	l := r.newLease()
	r.turn(l, 1)
	r.turn(l, 1)
	meta, blocked, gates := r.part.key(colMeta), r.part.key(colBlocked), r.part.key(colGates)
	ahead := time.Now().Add(time.Hour).UnixMilli()
	terms := r.client.HGet(r.ctx, meta, "group_limits").Val()
	r.must(r.client.HSet(r.ctx, meta, "group_limits", fmt.Sprintf("-,%d|%s", ahead, terms[strings.Index(terms, "|")+1:])).Err())
	r.must(r.client.ZAddXX(r.ctx, blocked, goredis.Z{Score: float64(ahead + time.Hour.Milliseconds()), Member: "=g"}).Err())
	r.must(r.client.Del(r.ctx, gates).Err())
	if len(r.turn(l, 1).Claims) == 0 {
		return "a clock that was set back has a group wait"
	}
	return ""
}

// overtakesInItsGroup has a job be in line behind one of its kind that is aside for a limit in their group, when
// there is room.
func (r *rig) overtakesInItsGroup() (fault string) {
	r.perGroup("l", "test", atOnce(1))
	ids := r.enqueueGroup("g", 2)
	l := r.newLease()
	claims := r.turn(l, 1).Claims
	r.turn(l, 1)
	r.enqueueGroup("g", 1)
	if got := r.turn(l, 2, complete(claims)...).Claims; len(got) > 0 && got[0].ID != ids[1] {
		return "a job overtakes one of its kind that is aside for a limit in their group"
	}
	return ""
}

// holdsUpOthers has a job of a kind of which something is declared go aside for a limit in its group, and others of the
// kind come after it.
func (r *rig) holdsUpOthers() (fault string) {
	_, err := r.SetLimit(r.ctx, &drayhorse.Limit{Name: "k", Queue: r.part.Queue, Kind: "test", Concurrency: 10}, true, "", "")
	r.must(err)
	r.perGroup("l", "test", atOnce(1))
	r.enqueueGroup("g", 2)
	r.enqueue(r.newJob(), r.newJob(), r.newJob())
	if n := len(r.turn(r.newLease(), 9).Claims); n != 4 {
		return fmt.Sprintf("%d start, want one of the group and three of none", n)
	}
	return ""
}

// triesASuspectThatHasWaited has a suspect wait for its group, and a worker come that may try none.
func (r *rig) triesASuspectThatHasWaited() (fault string) {
	id := r.enqueueGroup("g", 1)[0]
	r.suspect(id)
	r.perGroup("l", "", atOnce(1))
	r.enqueueGroup("g", 1)
	l, claims := r.newLease(), []Claim(nil)
	for _, trial := range []bool{false, true, false} { // one runs; the suspect waits; there is room
		of := l
		if trial {
			of = r.newLease()
		}
		turn := &Turn{Lease: of, Want: 5, Trial: trial}
		if !trial {
			turn.Finishes = complete(claims)
		}
		reply := r.RunTurns(r.ctx, turn)[0]
		r.must(reply.Err)
		if claims = append(claims, reply.Claims...); len(claims) > 1 {
			return "a worker that may try no suspect gets one that has waited for its group"
		}
	}
	return ""
}

// releasesBehindItsKind hands back a job while others of its kind are aside for a limit in their group.
func (r *rig) releasesBehindItsKind() (fault string) {
	r.perGroup("l", "test", atOnce(1))
	ids := r.enqueueGroup("g", 3)
	l := r.newLease()
	claims := r.turn(l, 1).Claims
	r.turn(l, 1)
	r.turn(l, 0, claims[0].finish(Release))
	reply := r.RunTurns(r.ctx, &Turn{Lease: l, Want: 1, Lanes: []string{"test"}})[0]
	r.must(reply.Err)
	if len(reply.Claims) != 1 || reply.Claims[0].ID != ids[0] {
		return "a job that was handed back starts behind others of its kind in its group"
	}
	return ""
}

// closesByAnother has a job succeed that was claimed before a breaker had opened, while others are tried.
func (r *rig) closesByAnother() (fault string) {
	r.set(breaking())
	r.enqueue(r.newJob(), r.newJob(), r.newJob(), r.newJob(), r.newJob())
	l := r.newLease()
	before := r.turn(l, 3).Claims
	r.turn(l, 0, before[0].finish(Fail), before[1].finish(Fail))
	r.coolDown()
	probes := r.turn(l, 5).Claims
	r.turn(l, 0, before[2].finish(Complete), probes[0].finish(Complete))
	if stands := r.breaker(); !strings.HasPrefix(stands, "h|1|") {
		return fmt.Sprintf("the breaker is %q after one of two probes", stands)
	}
	return ""
}

// retriesBesideAnother retries a unique job that has ended while another has its key.
func (r *rig) retriesBesideAnother() (fault string) {
	by := uniquely(drayhorse.UniqueBy{})
	id := r.wantNew(by)
	l := r.newLease()
	r.turn(l, 0, r.turn(l, 1).Claims[0].finish(Exhaust))
	r.wantNew(by)
	if r.part.Retry(r.ctx, id) == nil {
		return "two jobs have one key"
	}
	return ""
}

// mutantRuns is within how many runs a mutant must be noticed. What the rarest ones
// break takes a chain of events that comes up in one run of fifty: 200 runs would
// miss it now and then.
const mutantRuns = 1000

// Each takes runs of the model until one notices: all of them are a target of their own.
var allMutants = flag.Bool("mutants", false, "break all rules, not every sixteenth")

// TestWhatIsRareIsRight: what brings a mutant's fault about finds none where no rule is broken.
func TestWhatIsRareIsRight(t *testing.T) {
	t.Parallel()
	for name, provoke := range rare {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t, sharedURL(t), 1)
			r.damaged = true
			if fault := provoke(r); fault != "" {
				t.Error(fault)
			}
		})
	}
}

// TestModelNoticesMutants is not parallel: the scripts belong to all tests.
func TestModelNoticesMutants(t *testing.T) { //nolint:paralleltest // see above
	server := redistest.Start(t, redistest.WithUnixSocket())
	newWorld := redisWorlds(t, server)
	for i, m := range mutants {
		if !*allMutants && i%16 != 0 {
			continue
		}
		t.Run(m.name, func(t *testing.T) { //nolint:paralleltest // see above
			mutate(t, server, m.script, m.from, m.to)
			if provoke := rare[m.name]; provoke != nil {
				r := newRig(t, server.URL+redistest.Patient, 1)
				r.damaged = true
				if provoke(r) == "" {
					t.Error("the test that brings it about does not notice")
				}
			} else if !noticed(newWorld) {
				t.Errorf("the randomized test does not notice within %d runs", mutantRuns)
			}
		})
	}
}

// TestMutantsHaveAPlace: what they change is there, also of those that are seldom run.
func TestMutantsHaveAPlace(t *testing.T) { //nolint:paralleltest // a mutant changes the scripts meanwhile
	for _, m := range mutants {
		if !strings.Contains(library.Assemble(m.script.Name), m.from) {
			t.Errorf("%s: %s has no %q", m.name, m.script.Name, m.from)
		}
	}
}

// mutate changes a script until the end of the test.
func mutate(t *testing.T, server *redistest.Server, s *script, from, to string) {
	t.Helper()
	text := library.Assemble(s.Name)
	if !strings.Contains(text, from) { // several times, if several blocks need that part
		t.Fatalf("%s has no %q", s.Name, from)
	}
	original := s.Script
	text = strings.ReplaceAll(text, from, to)
	if err := server.Client(t).ScriptLoad(t.Context(), text).Err(); err != nil {
		t.Fatalf("the mutant is no script: %v", err)
	}
	s.Script = s.WithText(text)
	t.Cleanup(func() { s.Script = original })
}

// noticed says whether one of the first runs of the model fails.
func noticed(newWorld func(*rapid.T) *world) bool {
	return noticedBy(func(t *rapid.T) { newWorld(t).run(t) })
}

// noticedBy says whether one of the first runs fails.
func noticedBy(test func(*rapid.T)) bool {
	run := rapid.Custom(func(t *rapid.T) (failed bool) {
		defer func() {
			_ = recover() // how rapid ends a run that failed
			failed = t.Failed()
		}()
		test(t)
		return false
	})
	for seed := range mutantRuns {
		if run.Example(seed) {
			return true
		}
	}
	return false
}
