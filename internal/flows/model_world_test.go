package flows

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	goredis "github.com/redis/go-redis/v9"

	"github.com/drayhorse/drayhorse"
	"github.com/drayhorse/drayhorse/flow"
	"github.com/drayhorse/drayhorse/internal/jobs"
)

var (
	namespaces atomic.Int64
	total      tally
	leases     atomic.Int64
	names      atomic.Int64 // of batches, in their callbacks
)

// tally counts what happened in all runs, so that it is seen that it does.
type tally struct {
	members, callbacks, deaths, grown, batches, retried atomic.Int64
	flows, steps, reruns, signals, cancelled, extended  atomic.Int64
}

func (t *tally) String() string {
	return fmt.Sprintf("%d batches, %d members, %d added by members, %d retried, %d callbacks, %d deaths; "+
		"%d flows, %d runs of steps, %d of them again, %d signals, %d steps cancelled before they ran, %d times others were added",
		t.batches.Load(), t.members.Load(), t.grown.Load(), t.retried.Load(), t.callbacks.Load(), t.deaths.Load(),
		t.flows.Load(), t.steps.Load(), t.reruns.Load(), t.signals.Load(), t.cancelled.Load(), t.extended.Load())
}

// note is the arguments of all jobs here.
type note struct {
	Batch string `json:"batch,omitempty"` // of a callback
	What  string `json:"what,omitempty"`
	Tag   string `json:"tag,omitempty"`  // of what a member has added
	Step  string `json:"step,omitempty"` // of a flow: which one, and of what shape
}

func (note) Kind() string { return "note" }

// member is one member of a batch, as it was seen.
type member struct {
	part  *jobs.Partition
	id    string
	live  bool
	ended byte // as what: c, d or x; 0: it never has
	ever  string
}

// fate is what was seen of one batch.
type fate struct {
	members map[string]*member // by partition and ID
	fired   string
	frozen  int            // members when it was complete
	name    string         // in the arguments of its callbacks
	tags    map[string]int // members that were added by members
	wanted  map[string]bool
	bad     bool // cancelled or abandoned
	dropped bool
	rows    map[string]int64 // the number of the row from each partition
	isStep  bool             // it is a run of a step
}

// truth is what was seen to happen.
type truth struct {
	batches map[string]*fate
	notes   map[string]bool // callbacks that are live, by partition and ID
	calls   map[string]int  // how often each was enqueued, by the name of its batch and what it is
	graphs  map[string]*graph
	extra   map[string][]string // what steps come after that were added, by link and name, in each try
}

func newTruth() *truth {
	return &truth{batches: map[string]*fate{}, notes: map[string]bool{}, calls: map[string]int{}, graphs: map[string]*graph{}, extra: map[string][]string{}}
}

func (t *truth) of(id string) *fate {
	if t.batches[id] == nil {
		_, _, _, _, isStep := jobs.ParseStepLink(id)
		t.batches[id] = &fate{members: map[string]*member{}, tags: map[string]int{}, wanted: map[string]bool{}, rows: map[string]int64{}, isStep: isStep}
		if !isStep {
			total.batches.Add(1)
		}
	}
	return t.batches[id]
}

// world is one run of the model.
type world struct {
	*stage
	ctx     context.Context //nolint:containedctx // of no actor
	engine  *jobs.Engine
	store   *Store
	parts   []*jobs.Partition
	truth   *truth
	actors  []*actor
	steps   int
	resting bool
	graphs  bool // it is about flows of steps, not batches

	links     map[string]string   // of flows, by ID, as the last check found them
	seenSteps map[string][]stored // the same of their steps
}

func (w *world) key(p *jobs.Partition, column string) string {
	return strings.TrimSuffix(w.store.marker, ":flows") + ":{" + p.String() + "}:" + column
}

// check compares what Redis holds with what was seen.
func (w *world) check() error {
	last, _ := w.last.Load().(string)
	w.links, w.seenSteps = nil, nil
	w.noteDropped()
	pipe := w.engine.Client().Pipeline()
	type seen struct {
		jobs, archive, reports interface{ Val() map[string]string }
	}
	all := make([]seen, len(w.parts))
	for i, p := range w.parts {
		all[i] = seen{pipe.HGetAll(w.ctx, w.key(p, "jobs")), pipe.HGetAll(w.ctx, w.key(p, "archive")), pipe.HGetAll(w.ctx, w.key(p, "reports"))}
	}
	if _, err := pipe.Exec(w.ctx); err != nil {
		return err
	}
	for i, p := range w.parts {
		if err := w.see(p, last, all[i].jobs.Val(), all[i].archive.Val()); err != nil {
			return err
		}
		if err := w.compare(p, all[i].reports.Val()); err != nil {
			return err
		}
	}
	if err := w.checkFlows(); err != nil {
		return err
	}
	return w.checkGraphs(last)
}

// noteDropped notes which batches and runs of steps are forgotten, or about to be.
func (w *world) noteDropped() {
	known := map[string]bool{}
	for _, id := range w.ids() {
		known[w.link(id)] = w.engine.Client().HGet(w.ctx, w.flowKey(id), "st").Val() != "dropping"
	}
	for link, f := range w.truth.batches {
		of := link
		if f.isStep {
			id, made, step, run, _ := jobs.ParseStepLink(link)
			of = jobs.Link(id, made)
			f.dropped = f.dropped || w.runOf(id, step) != run
		}
		f.dropped = f.dropped || !known[of]
	}
}

// see takes in what jobs there are in a partition.
func (w *world) see(p *jobs.Partition, last string, live, archive map[string]string) error {
	for key := range w.truth.notes {
		if id, here := strings.CutPrefix(key, p.String()+" "); here && live[id] == "" {
			delete(w.truth.notes, key) // it has run; if it comes again, it is counted again
		}
	}
	for id, text := range live {
		e, err := jobs.DecodeEnvelope(text)
		if id == "" || err != nil {
			continue
		}
		var n note
		_ = json.Unmarshal(e.Args, &n)
		key := p.String() + " " + id
		if n.What != "" && !w.truth.notes[key] {
			w.truth.notes[key] = true
			call := n.Batch + " " + n.What
			if last == "retry" { // an operator has it run again
				continue
			}
			if w.truth.calls[call]++; w.truth.calls[call] > 1 {
				return fmt.Errorf("batch %s was called %d times", call, w.truth.calls[call])
			}
			total.callbacks.Add(1)
		}
		if e.Link == "" {
			continue
		}
		f := w.truth.of(e.Link)
		m := f.members[key]
		switch {
		case m == nil:
			f.members[key] = &member{part: p, id: id, live: true}
			total.members.Add(1)
			if n.Tag != "" {
				if f.tags[n.Tag]++; f.tags[n.Tag] > 1 {
					return fmt.Errorf("what a member has added comes twice: %s", n.Tag)
				}
			}
			if strings.Contains(f.fired, "c") && !f.dropped { // who adds to one that is forgotten has slept for all its retention
				return fmt.Errorf("batch %q has a new member after it was complete", e.Link)
			}
		case !m.live && f.isStep && last != "retry":
			return fmt.Errorf("run %q of a step is enqueued twice", e.Link)
		case !m.live:
			m.live = true
			total.retried.Add(1)
		}
		if f.isStep && m == nil {
			if err := w.mayRun(e.Link, n.Step); err != nil {
				return err
			}
		}
	}
	for id, f := range w.truth.batches {
		for key, m := range f.members {
			if _, there := live[m.id]; m.part != p || there || !m.live {
				continue
			}
			m.live = false
			record := archive[m.id]
			switch {
			case strings.HasPrefix(record, "completed|"):
				m.ended = 'c'
			case strings.HasPrefix(record, "discarded|"):
				m.ended = 'd'
			case strings.HasPrefix(record, "cancelled|"):
				m.ended = 'x'
			case last == "turn":
				m.ended = 'c'
			default:
				m.ended = 'x'
			}
			m.ever += string(m.ended)
			if last == "flow ends" || last == "flow ack" {
				return fmt.Errorf("member %q of %s is gone", key, id)
			}
		}
	}
	return nil
}

// compare compares the rows of a partition with what was seen there.
func (w *world) compare(p *jobs.Partition, reports map[string]string) error {
	for id, f := range w.truth.batches {
		var n [4]int // stored, c, d, x
		for _, m := range f.members {
			if m.part == p {
				n[0]++
				if i := strings.IndexByte("cdx", m.ended); i >= 0 && m.ended != 0 {
					n[1+i]++
				}
			}
		}
		row := strings.Split(reports["B"+id], "|")
		if len(row) != 7 {
			if n[0] > 0 && !f.dropped {
				return fmt.Errorf("%v has no row of batch %s, and %d of its members", p, id, n[0])
			}
			continue
		}
		if got, want := strings.Join(row[3:], " "), fmt.Sprintf("%d %d %d %d", n[0], n[1], n[2], n[3]); got != want && !f.dropped {
			return fmt.Errorf("%v counts %s of batch %s; seen were %s", p, got, id, want)
		}
	}
	return nil
}

// checkFlows compares what flows have decided with what was seen.
func (w *world) checkFlows() error {
	if err := w.checkLiving(); err != nil {
		return err
	}
	for _, id := range w.ids() {
		if isGraph(id) {
			continue
		}
		f := w.truth.of(w.link(id))
		record, err := w.engine.Client().HMGet(w.ctx, w.flowKey(id), "st", "fired", "cancelled", "abandoned", "pend", "ops", "on/c").Result()
		if err != nil {
			return err
		}
		text := func(i int) string { s, _ := record[i].(string); return s }
		if f.name == "" {
			f.name = nameIn(text(6))
		}
		f.bad = f.bad || text(2) != "" || text(3) != ""
		if strings.HasPrefix(text(4), "-") || strings.HasPrefix(text(5), "-") {
			return fmt.Errorf("batch %s has %s and %s ops on their way", id, text(4), text(5))
		}
		if err := w.checkRows(id, f); err != nil {
			return err
		}
		for _, letter := range text(1) {
			if strings.Count(text(1), string(letter)) > 1 {
				return fmt.Errorf("batch %s has released %s", id, text(1))
			}
			if strings.ContainsRune(f.fired, letter) {
				continue
			}
			f.fired += string(letter)
			if err := f.mayFire(byte(letter)); err != nil {
				return fmt.Errorf("batch %s has released %c: %w", id, letter, err)
			}
		}
	}
	return nil
}

// checkRows wants no row to give way to an older one.
func (w *world) checkRows(id string, f *fate) error {
	record, err := w.engine.Client().HGetAll(w.ctx, w.flowKey(id)).Result()
	for field, row := range record {
		if !strings.HasPrefix(field, "r/") {
			continue
		}
		var n int64
		if _, err := fmt.Sscan(strings.ReplaceAll(row, "|", " "), &n); err != nil {
			return err
		}
		if n < f.rows[field] {
			return fmt.Errorf("batch %s takes an older row from %s", id, field)
		}
		f.rows[field] = n
	}
	return err
}

// nameIn gives the name of a batch that its callback has.
func nameIn(callback string) string {
	_, packed, _ := strings.Cut(callback, "|")
	var all []struct{ Envelope []byte }
	var n note
	if json.Unmarshal([]byte(packed), &all) == nil && len(all) == 1 {
		if e, err := jobs.DecodeEnvelope(string(all[0].Envelope)); err == nil {
			_ = json.Unmarshal(e.Args, &n)
		}
	}
	return n.Batch
}

func (f *fate) mayFire(letter byte) error {
	failed := f.bad
	for _, m := range f.members {
		failed = failed || strings.ContainsAny(m.ever, "dx")
		if m.ended == 0 && letter != 'f' {
			return fmt.Errorf("member %q has not ended", m.id)
		}
		if letter == 's' && !strings.Contains(m.ever, "c") {
			return fmt.Errorf("member %q has never completed", m.id)
		}
	}
	switch letter {
	case 'f':
		if !failed {
			return errors.New("nothing has failed")
		}
	case 's':
		if f.bad {
			return errors.New("it was cancelled or abandoned")
		}
	case 'c':
		f.frozen = len(f.members)
	}
	return nil
}

// link is that of the batch of an ID that there is now, or was when the last check began.
func (w *world) link(id string) string {
	if w.links == nil {
		w.links = map[string]string{}
	}
	if w.links[id] == "" {
		made, _ := w.engine.Client().HGet(w.ctx, w.flowKey(id), "created").Int64()
		w.links[id] = jobs.Link(id, time.UnixMilli(made))
	}
	return w.links[id]
}

func (w *world) flowKey(id string) string { return w.store.callOn(infoScript, id).Keys[0] }

// ids are those of the batches and flows that there are.
func (w *world) ids() []string { return w.idsIn("index") }

func (w *world) idsIn(column string) []string {
	at := slices.Index(library.Columns(), column)
	found, _ := w.engine.Client().Pipelined(w.ctx, func(p goredis.Pipeliner) error {
		for i := range w.store.shards {
			p.ZRange(w.ctx, w.store.shards[i].keys[at], 0, -1)
		}
		return nil
	})
	var ids []string
	for _, one := range found {
		ids = append(ids, one.(*goredis.StringSliceCmd).Val()...)
	}
	slices.Sort(ids)
	return ids
}

// checkLiving: those that have not ended, and no others, are kept apart.
func (w *world) checkLiving() error {
	ids := w.ids()
	states, _ := w.engine.Client().Pipelined(w.ctx, func(p goredis.Pipeliner) error {
		for _, id := range ids {
			p.HGet(w.ctx, w.flowKey(id), "st")
		}
		return nil
	})
	var want []string
	for i, id := range ids {
		if st := states[i].(*goredis.StringCmd).Val(); st != "ended" && st != "dropping" {
			want = append(want, id)
		}
	}
	if living := w.idsIn("living"); !slices.Equal(living, want) {
		return fmt.Errorf("%v live; want %v", living, want)
	}
	return nil
}

// run lets actors act.
func (w *world) run(steps int) error {
	casts := []func(context.Context){
		w.creator, w.creator, w.creator, w.worker, w.worker, w.worker, w.worker, w.relay, w.relay, w.operator, w.observer, w.fateful,
	}
	if w.graphs {
		casts = []func(context.Context){
			w.submitter, w.submitter, w.worker, w.worker, w.worker, w.worker, w.relay, w.relay, w.relay, w.operator, w.observer, w.fateful, w.flowOperator,
		}
	}
	for i, act := range casts {
		a := &actor{name: fmt.Sprint(i), may: make(chan bool), at: make(chan bool)}
		w.actors = append(w.actors, a)
		w.start(a, act)
	}
	defer func() {
		for _, a := range w.actors {
			w.kill(a)
		}
	}()
	for w.steps = 0; w.steps < steps; w.steps++ {
		i := w.rng.IntN(len(w.actors))
		a := w.actors[i]
		if w.rng.IntN(120) == 0 {
			w.kill(a)
			total.deaths.Add(1)
			w.start(a, casts[i])
		} else {
			a.may <- true
			if !<-a.at {
				w.start(a, casts[i])
			}
		}
		if err := w.check(); err != nil {
			return err
		}
		if len(w.late) > 0 && w.rng.IntN(8) == 0 {
			w.replay()
			if err := w.check(); err != nil {
				return err
			}
		}
	}
	return nil
}

// start has an actor act from the beginning, up to its first call.
func (w *world) start(a *actor, act func(context.Context)) {
	ctx, cancel := context.WithCancel(context.WithValue(w.ctx, actorKey{}, a))
	go func() {
		defer func() { a.at <- false }()
		defer cancel()
		for {
			act(ctx)
		}
	}()
	<-a.at
}

// kill has it die before its next call.
func (w *world) kill(a *actor) {
	a.may <- false
	<-a.at
}

func (w *world) chance(n int) bool { return w.rng.IntN(n) == 0 }

func (w *world) anyPart() *jobs.Partition { return w.parts[w.rng.IntN(len(w.parts))] }

func (w *world) anyBatch() string { return fmt.Sprintf("batch-%d", w.rng.IntN(5)) }

// batch is one with all callbacks.
func (w *world) batch(id string) flow.Batch {
	name := fmt.Sprint(id, " ", names.Add(1))
	call := func(what string) *drayhorse.Spec {
		return flow.Call(note{Batch: name, What: what}, drayhorse.Queue([]string{"p", "q"}[len(what)%2]))
	}
	return flow.Batch{ID: id, OnComplete: call("complete"), OnSuccess: call("success"), OnFailure: call("failure")}
}

// newJob is a job that is a member of a batch, or none, and where it goes.
func (w *world) newJob(batch string) (*jobs.NewJob, *jobs.Partition) {
	p := w.anyPart()
	j := &jobs.NewJob{Envelope: &jobs.Envelope{Kind: "note", MaxAttempts: 3, Timeout: time.Minute, EnqueuedAt: time.UnixMilli(1), Args: []byte("{}")}}
	if w.chance(4) {
		j.ID, j.Envelope.OwnID = fmt.Sprintf("own-%d", w.rng.IntN(6)), true
		p = jobs.PartitionOf(w.parts[:2], j.ID)
	}
	if w.chance(4) {
		j.Envelope.Retain = time.Hour
	}
	if w.chance(6) {
		j.Envelope.StartWithin = time.Millisecond
	}
	if w.chance(6) {
		j.In = time.Millisecond
	}
	if w.chance(6) {
		j.Envelope.Priority = drayhorse.Urgent
	}
	if w.chance(6) {
		j.Envelope.Group = "g"
	}
	if batch != "" {
		j.Envelope.Link = batch
	}
	return j, p
}

// creator makes a batch, or goes on with one, and adds to it.
func (w *world) creator(ctx context.Context) {
	id := w.anyBatch()
	info, err := w.store.Create(ctx, w.batch(id), 1000)
	if err != nil {
		return
	}
	for range w.rng.IntN(4) {
		batch := jobs.Link(id, info.CreatedAt)
		if w.chance(6) {
			batch = ""
		}
		j, p := w.newJob(batch)
		if batch != "" && w.store.Join(ctx, id, info.CreatedAt, p) != nil {
			return
		}
		if w.chance(3) { // it stops for a while before it stores what it has joined for
			for range w.rng.IntN(25) {
				_, _ = w.store.InUse(ctx)
			}
		}
		lane := jobs.NewWriter(p)
		lane.Patience = time.Minute
		if _, err := lane.Enqueue(ctx, j); err != nil {
			return
		}
	}
	if w.chance(2) {
		_, _ = w.store.Close(ctx, id)
	}
}

// worker claims jobs of a partition and finishes them somehow.
func (w *world) worker(ctx context.Context) {
	l := jobs.NewLease(w.anyPart(), fmt.Sprint("lease", leases.Add(1)))
	var finishes []jobs.Finish
	for range 2 + w.rng.IntN(4) {
		turn := &jobs.Turn{Lease: l, Want: 1 + w.rng.IntN(3), Suspect: true, Finishes: finishes}
		var reply jobs.TurnReply
		for {
			if reply = w.engine.RunTurns(ctx, turn)[0]; reply.Err == nil {
				break
			}
			if errors.Is(reply.Err, drayhorse.ErrLeaseLost) {
				return
			}
		}
		finishes = nil
		for i := range reply.Claims {
			c := &reply.Claims[i]
			if c.Linked() && !c.IsStep() && w.chance(5) {
				w.grow(ctx, c.Link())
			}
			if c.IsStep() && w.chance(4) {
				w.extend(ctx, c.Link())
			}
			if !w.chance(6) { // it is still at it
				finishes = append(finishes, w.finish(c))
			}
		}
	}
	_ = w.engine.Leave(ctx, l)
}

func (w *world) finish(c *jobs.Claim) jobs.Finish {
	f := jobs.Finish{ID: c.ID, Seq: c.Seq, Outcome: jobs.Complete}
	e, _ := jobs.DecodeEnvelope(c.Envelope)
	f.Keep = e.OwnID || e.Retain > 0
	if c.IsStep() && resultOf(e.Link) != "" {
		f.Keep, f.Result = true, []byte(resultOf(e.Link))
	}
	if !w.resting {
		f.Outcome = []jobs.Outcome{jobs.Complete, jobs.Complete, jobs.Complete, jobs.Fail, jobs.Exhaust, jobs.Cancel, jobs.Snooze, jobs.Release}[w.rng.IntN(8)]
	}
	if f.Outcome == jobs.Fail || f.Outcome == jobs.Exhaust {
		f.Error = &drayhorse.AttemptError{Attempt: 1, At: time.UnixMilli(2), Message: "it failed"}
	}
	return f
}

// grow adds members from within.
func (w *world) grow(ctx context.Context, link string) {
	var specs []drayhorse.Spec
	var tags []string
	for range 1 + w.rng.IntN(2) {
		tag := fmt.Sprint("tag", total.grown.Add(1))
		tags = append(tags, tag)
		specs = append(specs, drayhorse.Spec{Args: note{Tag: tag}, Options: []drayhorse.Option{drayhorse.Queue([]string{"p", "q"}[w.rng.IntN(2)])}})
	}
	id, made := jobs.ParseLink(link)
	if w.store.Grow(ctx, id, made, specs, 1000) == nil {
		for _, tag := range tags {
			w.truth.of(link).wanted[tag] = true
		}
	}
}

// relay does what relays do.
func (w *world) relay(ctx context.Context) {
	switch {
	case w.chance(2):
		_ = w.store.Relay(ctx, w.anyPart())
	case w.graphs:
		_ = w.store.drain(ctx, w.store.shardOf(w.anyGraph()))
	default:
		_ = w.store.drain(ctx, &w.store.shards[w.rng.IntN(Shards)])
	}
}

// operator does what operators do to jobs, and seldom to batches.
func (w *world) operator(ctx context.Context) {
	p := w.anyPart()
	ids, err := w.engine.Client().HKeys(ctx, w.key(p, []string{"jobs", "archive"}[w.rng.IntN(2)])).Result()
	if err != nil {
		return
	}
	if len(ids) > 0 {
		slices.Sort(ids)
		id := ids[w.rng.IntN(len(ids))]
		_ = []func(context.Context, string) error{p.Retry, p.Retry, p.Cancel, p.Delete}[w.rng.IntN(4)](ctx, id)
	}
	switch w.rng.IntN(30) {
	case 0:
		_, _ = p.Purge(ctx, []drayhorse.State{drayhorse.Available, drayhorse.Scheduled, drayhorse.Retryable, drayhorse.Discarded}[w.rng.IntN(4)])
	case 1, 2, 3, 4, 5, 6, 7, 8, 9, 10:
		_, _ = p.Sweep(ctx)
	case 11:
		_, _ = w.store.Cancel(ctx, w.anyBatch(), "operator")
	}
}

// observer condemns leases, of the living, too.
func (w *world) observer(ctx context.Context) {
	p := w.anyPart()
	seen := w.engine.Observe(ctx, p)[0]
	if len(seen.Leases) > 0 {
		_, _ = p.Rescue(ctx, []jobs.Score{seen.Leases[w.rng.IntN(len(seen.Leases))]})
	}
}

// fateful has times come: of a batch that is abandoned, and of an audit.
func (w *world) fateful(ctx context.Context) {
	id := w.anyBatch()
	if w.graphs {
		id = w.anyGraph()
	}
	w.hasten(ctx, id, w.chance(12))
	_, _ = w.store.run(ctx, tickScript, id)
}

// hasten has the time come for which a flow waits.
func (w *world) hasten(ctx context.Context, id string, abandoned bool) {
	client, sh := w.engine.Client(), w.store.shardOf(id)
	if client.Exists(ctx, w.flowKey(id)).Val() == 0 || client.HGet(ctx, w.flowKey(id), "st").Val() == "ended" && !w.resting {
		return
	}
	if abandoned && client.HGet(ctx, w.flowKey(id), "st").Val() == "open" {
		client.HSet(ctx, w.flowKey(id), "open", 1)
	}
	if isGraph(id) {
		w.hastenGraph(ctx, id, abandoned)
	}
	if w.resting {
		client.HSet(ctx, w.flowKey(id), "retain", 0, "retain_bad", 0)
	}
	client.ZAddXX(ctx, sh.keys[slices.Index(library.Columns(), "timers")], zOf(id))
}

// rest brings everything to an end and checks what must be then.
func (w *world) rest() (err error) {
	w.resting = true
	var fault error
	w.after = func() {
		if fault == nil {
			fault = w.check()
		}
	}
	defer func() { err = cmp.Or(fault, err) }()
	for _, id := range w.ids() {
		if _, err := w.store.Close(w.ctx, id); err != nil && !errors.Is(err, drayhorse.ErrNotFound) {
			return err
		}
	}
	if err := w.settleAll(); err != nil {
		return err
	}
	if err := w.restGraphs(); err != nil {
		return err
	}
	for _, id := range w.ids() {
		if isGraph(id) {
			continue
		}
		if w.engine.Client().HGet(w.ctx, w.flowKey(id), "st").Val() == "dropping" {
			continue
		}
		if err := w.checkRest(id); err != nil {
			return fmt.Errorf("batch %s at rest: %w", id, err)
		}
	}
	return w.forget()
}

// settleAll does all that there is to do.
func (w *world) settleAll() error {
	for range 200 {
		if busy, err := w.settle(); err != nil || !busy {
			return err
		}
	}
	return errors.New("it does not come to rest")
}

// settle does all that can be done without faults, and says whether something was left.
func (w *world) settle() (busy bool, err error) {
	for _, p := range w.parts {
		seen := w.engine.Observe(w.ctx, p)[0]
		if seen.Err != nil {
			return false, seen.Err
		}
		if _, err := p.Rescue(w.ctx, seen.Leases); err != nil {
			return false, err
		}
		l := jobs.NewLease(p, fmt.Sprint("lease", leases.Add(1)))
		var finishes []jobs.Finish
		for {
			reply := w.engine.RunTurns(w.ctx, &jobs.Turn{Lease: l, Want: 50, Suspect: true, Finishes: finishes})[0]
			if reply.Err != nil {
				return false, reply.Err
			}
			if err := w.check(); err != nil {
				return false, err
			}
			if finishes = nil; len(reply.Claims) == 0 {
				break
			}
			for i := range reply.Claims {
				finishes = append(finishes, w.finish(&reply.Claims[i]))
			}
		}
		if err := w.engine.Leave(w.ctx, l); err != nil {
			return false, err
		}
		if err := w.store.Relay(w.ctx, p); err != nil {
			return false, err
		}
		live := w.engine.Client().HLen(w.ctx, w.key(p, "jobs")).Val() > 1
		busy = busy || live || seen.News || len(seen.Leases) > 0
		if live {
			time.Sleep(time.Millisecond) // some are due then
		}
	}
	for i := range w.store.shards {
		if err := w.store.drain(w.ctx, &w.store.shards[i]); err != nil {
			return false, err
		}
	}
	for _, p := range w.parts { // also where a later partition has had jobs put in, or news had to wait
		busy = busy || w.engine.Client().HLen(w.ctx, w.key(p, "jobs")).Val() > 1 || w.engine.Observe(w.ctx, p)[0].News
	}
	return busy, w.check()
}

// checkRest says what is wrong with a batch when nothing is to be done any more.
func (w *world) checkRest(id string) error {
	info, err := w.store.Get(w.ctx, id)
	if err != nil {
		return err
	}
	f, n := w.truth.of(w.link(id)), map[byte]int{}
	for _, m := range f.members {
		n[m.ended]++
	}
	if got, want := [4]int{info.Total, info.Completed, info.Discarded, info.Cancelled}, [4]int{len(f.members), n['c'], n['d'], n['x']}; got != want {
		return fmt.Errorf("it has counted %v; seen were %v", got, want)
	}
	if info.EndedAt.IsZero() || info.Pending > 0 || info.Waiting > 0 {
		return fmt.Errorf("it has not ended: %+v", info)
	}
	for tag := range f.wanted {
		if f.tags[tag] != 1 {
			return fmt.Errorf("%s was added %d times", tag, f.tags[tag])
		}
	}
	failed := f.bad || n['d']+n['x'] > 0
	for what, want := range map[string]bool{"complete": true, "success": !failed, "failure": failed} {
		if calls := w.truth.calls[f.name+" "+what]; want && calls != 1 {
			return fmt.Errorf("%s was called %d times", what, calls)
		}
	}
	for what, letter := range map[string]string{"complete": "c", "success": "s", "failure": "f"} {
		if calls := w.truth.calls[f.name+" "+what]; calls != strings.Count(f.fired, letter) {
			return fmt.Errorf("%s was released %q and called %d times", what, f.fired, calls)
		}
	}
	return nil
}

// forget has the time of all batches be over, and checks that nothing of them is left.
func (w *world) forget() error {
	for _, id := range w.ids() {
		w.truth.of(w.link(id)).dropped = true
		w.hasten(w.ctx, id, false)
		if _, err := w.store.run(w.ctx, tickScript, id); err != nil {
			return err
		}
		if err := w.store.Drain(w.ctx, id); err != nil {
			return err
		}
		if _, err := w.store.Get(w.ctx, id); !errors.Is(err, drayhorse.ErrNotFound) {
			return fmt.Errorf("batch %s is still known: %w", id, err)
		}
	}
	for _, p := range w.parts {
		if left, _ := w.engine.Client().HGetAll(w.ctx, w.key(p, "reports")).Result(); len(left) > 0 {
			return fmt.Errorf("%v has %q left of batches that are forgotten", p, left)
		}
	}
	return nil
}

func zOf(id string) goredis.Z { return goredis.Z{Score: 1, Member: id} }
