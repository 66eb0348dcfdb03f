package flows

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/drayhorse/drayhorse"
	"github.com/drayhorse/drayhorse/internal/jobs"
	"github.com/drayhorse/drayhorse/internal/redis"
)

// How much one call of the relay reads.
const (
	maxTake      = 100
	maxTakeBytes = 1 << 20
	maxDue       = 100
)

// Relay tells the flows what a partition has to tell, and does what they want then. Whatever it
// leaves, another does: it may be called by any number of processes, and end anywhere.
func (s *Store) Relay(ctx context.Context, p *jobs.Partition) error {
	busy := map[*shard]bool{}
	var failed error
	for from := int64(0); ; {
		rows, next, err := p.News(ctx, from)
		if err != nil {
			return errors.Join(failed, err)
		}
		if err := errors.Join(s.tell(ctx, p, ofMembers(rows), busy), s.tellSteps(ctx, p, ofSteps(rows), busy)); err != nil {
			failed = err
		}
		if from = next; next == 0 || ctx.Err() != nil {
			break
		}
	}
	for sh := range busy {
		if err := s.drain(ctx, sh); err != nil {
			failed = err
		}
	}
	return failed
}

// ofMembers gives the rows of batches, ofSteps those of steps.
func ofMembers(rows []jobs.Row) (some []jobs.Row) {
	for _, r := range rows {
		if _, _, _, _, is := jobs.ParseStepLink(r.Link); !is {
			some = append(some, r)
		}
	}
	return some
}

func ofSteps(rows []jobs.Row) (some []jobs.Row) {
	for _, r := range rows {
		if _, _, _, _, is := jobs.ParseStepLink(r.Link); is {
			some = append(some, r)
		}
	}
	return some
}

// tell tells rows of a partition, in one round trip, and notes in which shards ops wait.
func (s *Store) tell(ctx context.Context, p *jobs.Partition, rows []jobs.Row, busy map[*shard]bool) error {
	if len(rows) == 0 {
		return nil
	}
	calls := make([]redis.Call, len(rows))
	for i, r := range rows {
		id, made := jobs.ParseLink(r.Link)
		calls[i] = s.callOn(endsScript, id, made.UnixMilli(), Source(p), textOf(r))
	}
	var told, gone []jobs.Row
	var failed error
	for i, reply := range s.client.RunAll(ctx, calls) {
		n := redis.AsInt(reply.Value)
		switch {
		case reply.Err != nil:
			failed = failure(endsScript, reply.Err)
			continue
		case n < 0:
			gone = append(gone, rows[i])
			continue
		case n > 0:
			id, _ := jobs.ParseLink(rows[i].Link)
			busy[s.shardOf(id)] = true
		}
		told = append(told, rows[i])
	}
	return errors.Join(failed, p.Told(ctx, false, told...), p.Told(ctx, true, gone...))
}

// textOf writes a row as ends takes it.
func textOf(r jobs.Row) string {
	return fmt.Sprintf("%d|%d|%d|%d|%d", r.N, r.Stored, r.Completed, r.Discarded, r.Cancelled)
}

// Drain does what the flow's shard wants done.
func (s *Store) Drain(ctx context.Context, id string) error { return s.drain(ctx, s.shardOf(id)) }

// Watch looks at all shards, those apart at which somebody has looked in that time before, and
// does what is due there. 0: at all.
func (s *Store) Watch(ctx context.Context, every time.Duration) error {
	calls := make([]redis.Call, Shards)
	for i := range s.shards {
		calls[i] = s.shards[i].call(lookScript, every.Milliseconds(), maxDue)
	}
	var failed error
	for i, reply := range s.client.RunAll(ctx, calls) {
		if reply.Err != nil {
			failed = failure(lookScript, reply.Err)
			continue
		}
		seen := redis.AsList(reply.Value)
		if len(seen) == 0 {
			return unexpected(lookScript, reply.Value)
		}
		busy := redis.AsInt(seen[0]) > 0
		for _, id := range seen[1:] {
			n, err := s.run(ctx, tickScript, redis.AsString(id))
			busy = busy || redis.AsInt(n) > 0
			if err != nil {
				failed = err
			}
		}
		if busy {
			if err := s.drain(ctx, &s.shards[i]); err != nil {
				failed = err
			}
		}
	}
	return failed
}

// op is one entry of an outbox.
type op struct {
	entry, to string
	n, low    int64
	sort      byte
	id        string // of the flow
	made      time.Time
	what      string
}

// putsIn reports whether it puts jobs in.
func (o *op) putsIn() bool { return o.sort == 'e' || o.sort == 'g' || o.sort == 'r' }

// parseOp reads what take gives of an op.
func parseOp(entry, stored, low string) (o op, err error) {
	at := strings.LastIndexByte(entry, '/')
	parts := strings.SplitN(stored, "|", 4)
	if at < 0 || len(parts) != 4 || parts[0] == "" {
		return o, fmt.Errorf("flows: malformed op %q: %q", entry, stored)
	}
	made, err0 := strconv.ParseInt(parts[1], 10, 64)
	size, err1 := strconv.Atoi(parts[2])
	n, err2 := strconv.ParseInt(entry[at+1:], 10, 64)
	first, err3 := strconv.ParseInt(low, 10, 64)
	if err := errors.Join(err0, err1, err2, err3); err != nil || size < 0 || size >= len(parts[3]) {
		return o, fmt.Errorf("flows: malformed op %q: %q", entry, stored)
	}
	return op{
		entry: entry, to: entry[:at], n: n, low: first, sort: parts[0][0],
		id: parts[3][:size], made: time.UnixMilli(made), what: parts[3][size+1:],
	}, nil
}

// take reads ops of a shard.
func (s *Store) take(ctx context.Context, sh *shard, after string) (ops []op, last string, err error) {
	value, err := s.client.Run(ctx, sh.call(takeScript, after, maxTake, maxTakeBytes))
	if err != nil {
		return nil, "", failure(takeScript, err)
	}
	list := redis.AsStrings(value)
	var failed error
	for i := 0; i+2 < len(list); i += 3 {
		last = list[i]
		o, err := parseOp(list[i], list[i+1], list[i+2])
		if err != nil {
			failed = err
			continue
		}
		ops = append(ops, o)
	}
	return ops, last, failed
}

// drain does all that waits in the outbox of a shard, until it is empty or all that is left
// cannot be done now; or waits for somebody else in this process who does.
func (s *Store) drain(ctx context.Context, sh *shard) error {
	if s.beside == 1 {
		return s.drainAlone(ctx, sh)
	}
	return sh.drains.do(ctx, func(ctx context.Context) error { return s.drainAlone(ctx, sh) })
}

func (s *Store) drainAlone(ctx context.Context, sh *shard) error {
	var failed error
	for again := true; again; {
		again = false
		for after := ""; ; {
			ops, last, err := s.take(ctx, sh, after)
			if err != nil {
				failed = err
			}
			done, err := s.deliverAll(ctx, sh, ops)
			again = again || done // what it came to may be more to do
			if err != nil {
				failed = err
			}
			if after = last; after == "" || ctx.Err() != nil {
				break
			}
		}
		if ctx.Err() != nil {
			return errors.Join(failed, ctx.Err())
		}
		if failed != nil {
			return failed
		}
	}
	return nil
}

// deliverAll does ops, those for one partition one after the other, and says whether some were
// done. A partition that does not answer keeps no other waiting.
func (s *Store) deliverAll(ctx context.Context, sh *shard, ops []op) (done bool, failed error) {
	var mu sync.Mutex
	var sending sync.WaitGroup
	room := make(chan struct{}, s.beside)
	for len(ops) > 0 {
		n := 1
		for n < len(ops) && ops[n].to == ops[0].to {
			n++
		}
		some := ops[:n]
		ops = ops[n:]
		deliver := func() {
			note := func(err error) {
				mu.Lock()
				done, failed = done || err == nil, cmp.Or(err, failed)
				mu.Unlock()
			}
			for len(some) > 0 {
				var err error
				if n := putTogether(some); n > 1 {
					for _, err = range s.putAll(ctx, sh, some[:n]) {
						note(err)
					}
					some = some[n:]
				} else {
					err = s.deliver(ctx, sh, some[0])
					note(err)
					some = some[1:]
				}
				if errors.Is(err, drayhorse.ErrUnavailable) {
					return // it is away for the others, too
				}
			}
		}
		if s.beside == 1 {
			deliver()
			continue
		}
		room <- struct{}{}
		sending.Go(func() {
			defer func() { <-room }()
			deliver()
		})
	}
	sending.Wait()
	return done, failed
}

// deliver does one op and takes it out of the outbox.
func (s *Store) deliver(ctx context.Context, sh *shard, o op) error {
	switch {
	case o.sort == 'w':
		_, err := s.run(ctx, workScript, o.id, o.entry)
		return err
	case o.sort == 'p':
		return s.tellParent(ctx, sh, o)
	}
	row, err := s.do(ctx, sh, o)
	if err != nil {
		return err
	}
	_, err = s.run(ctx, ackScript, o.id, o.entry, row)
	return err
}

// do does an op in its partition, and gives the row there since; "" for none.
func (s *Store) do(ctx context.Context, sh *shard, o op) (string, error) {
	if child, ok := strings.CutPrefix(o.to, childPrefix); ok {
		return s.doChild(ctx, child, o)
	}
	p, err := s.partition(ctx, o)
	if errors.Is(err, drayhorse.ErrNotFound) && o.sort == 'u' {
		return "gone", nil
	}
	if errors.Is(err, drayhorse.ErrNotFound) && o.sort == 'n' {
		return "", nil
	}
	if errors.Is(err, drayhorse.ErrNotFound) { // with all that was in it
		return fmt.Sprintf("%d|0|0|0|0", s.client.Now().UnixMicro()), nil
	}
	if err != nil {
		return "", err
	}
	link := jobs.Link(o.id, o.made)
	var row jobs.Row
	switch o.sort {
	case 'e':
		return "", p.Put(ctx, jobs.Op{Sender: sh.name, N: o.n, Low: o.low, Jobs: []byte(o.what)})[0]
	case 'r':
		put, err := putOf(p, sh, o)
		if err != nil {
			return "", err
		}
		return "", p.Put(ctx, put)[0]
	case 'n':
		return "", wake(ctx, p, o)
	case 'y', 'u', 'o':
		return s.doStep(ctx, p, o)
	case 'f':
		return "", p.Forget(ctx, link)
	case 'g':
		if err := p.Put(ctx, jobs.Op{Sender: sh.name, N: o.n, Low: o.low, Jobs: []byte(o.what)})[0]; err != nil {
			return "", err
		}
		row, err = p.Members(ctx, link)
	case 's', 't':
		row, err = p.Seal(ctx, link)
	case 'x':
		row, err = p.CancelMembers(ctx, link)
	default:
		return "", fmt.Errorf("flows: op %q of a sort that this program does not know", o.entry)
	}
	return textOf(row), err
}

// partition finds the one that an op is for. One that puts jobs in makes its queue anew where
// that is gone; for the others the error is drayhorse.ErrNotFound then.
func (s *Store) partition(ctx context.Context, o op) (*jobs.Partition, error) {
	queue, index, _ := strings.Cut(o.to, "/")
	find := s.engine.Lookup
	if o.putsIn() {
		find = s.engine.Queue
	}
	partitions, err := find(ctx, queue)
	if err != nil {
		return nil, err
	}
	i, err := strconv.Atoi(index)
	if err != nil {
		return nil, fmt.Errorf("flows: op for %q", o.to)
	}
	if i >= len(partitions) { // the queue was made anew
		if o.putsIn() {
			i = 0
		} else {
			return nil, drayhorse.ErrNotFound
		}
	}
	return partitions[i], nil
}
