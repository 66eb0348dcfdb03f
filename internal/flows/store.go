package flows

import (
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"strconv"
	"strings"
	"time"

	"github.com/drayhorse/drayhorse"
	"github.com/drayhorse/drayhorse/flow"
	"github.com/drayhorse/drayhorse/internal/jobs"
	"github.com/drayhorse/drayhorse/internal/redis"
)

// Shards is in how many slots the flows of a namespace are. It never changes: a flow is found by
// its ID.
const Shards = 8

var (
	// errLate: a call came later than anybody knows whether it is a repeat.
	errLate = errors.New("late call")
	// errLost: steps that were stored before are not there.
	errLost = errors.New("steps are not there")
	// errBusy: what a flow has decided before is still being done.
	errBusy = errors.New("flow is at work")
)

// words are the failures that scripts report, by their first word.
var words = redis.Words{
	"NOTFOUND": drayhorse.ErrNotFound,
	"ENDED":    drayhorse.ErrFlowEnded,
	"LIMITS":   drayhorse.ErrInvalid,
	"LATE":     errLate,
	"LOST":     errLost,
	"BUSY":     errBusy,
	"CONFLICT": drayhorse.ErrDuplicate,
	"FORMAT":   drayhorse.ErrFormat,

	"SIGNALLED":  drayhorse.ErrSignalled,
	"SIGNALLATE": drayhorse.ErrSignalLate,
}

// Store is the only owner of the keys of flows. It keeps nothing itself.
type Store struct {
	client *redis.Client
	engine *jobs.Engine
	marker string // the key that says that there are flows in the namespace
	shards [Shards]shard
	wait   func(ctx context.Context, b *redis.Backoff) bool // before a call is made again
	beside int                                              // partitions to which ops go beside each other
	piece  int                                              // steps that one call stores
}

// shard is the keys of one, in the order of the library's columns.
type shard struct {
	name   string // as partitions remember it
	keys   []string
	drains sharedDrain
}

// New makes a store. It does not connect.
func New(engine *jobs.Engine, namespace string) *Store {
	s := &Store{client: engine.Client(), engine: engine, marker: namespace + ":flows", wait: func(ctx context.Context, b *redis.Backoff) bool { return b.Wait(ctx) }, beside: 8, piece: maxPiece}
	for i := range s.shards {
		// A queue's hash tag is its name, and no queue can have a name with @.
		name := "@flow/" + strconv.Itoa(i)
		s.shards[i].name = name
		s.shards[i].drains.turn = make(chan struct{}, 1)
		for _, column := range library.Columns() {
			s.shards[i].keys = append(s.shards[i].keys, namespace+":{"+name+"}:"+column)
		}
	}
	return s
}

// shardOf gives the shard of a flow.
func (s *Store) shardOf(id string) *shard {
	h := fnv.New32a()
	_, _ = h.Write([]byte(id))
	return &s.shards[h.Sum32()%Shards]
}

// call is one run of a script on a shard.
func (sh *shard) call(script *redis.Script, args ...any) redis.Call {
	return redis.Call{Script: script, Keys: script.KeysOf(sh.keys), Args: args}
}

// callOn is one run of a script on a flow.
func (s *Store) callOn(script *redis.Script, id string, args ...any) redis.Call {
	call := s.shardOf(id).call(script, append([]any{id}, args...)...)
	for i, key := range script.Header.Keys {
		if ofOne[key] {
			call.Keys[i] += ":" + id
		}
	}
	return call
}

// run runs a script on a flow and gives its failure the sentinel that it stands for.
func (s *Store) run(ctx context.Context, script *redis.Script, id string, args ...any) (any, error) {
	value, err := s.client.Run(ctx, s.callOn(script, id, args...))
	if err = failure(script, err); errors.Is(err, drayhorse.ErrNotFound) {
		_, what, _ := strings.Cut(err.Error(), drayhorse.ErrNotFound.Error()+": ")
		err = fmt.Errorf("%w: %s", drayhorse.ErrNotFound, what) // whatever it was asked for
	}
	return value, err
}

func failure(script *redis.Script, err error) error { return words.Failure(script.Name+" flow", err) }

func unexpected(script *redis.Script, reply any) error {
	return fmt.Errorf("%s flow: unexpected reply %v", script.Name, reply)
}

// insist makes a call again that has had no answer, or has come while its flow was at work, for a
// while: all of them may be repeated.
func (s *Store) insist(ctx context.Context, call func() error) error {
	ctx, cancel := context.WithTimeout(ctx, jobs.Patience)
	defer cancel()
	for backoff := (redis.Backoff{}); ; {
		err := call()
		if errors.Is(err, errBusy) && s.wait(ctx, &backoff) {
			continue
		}
		if !errors.Is(err, drayhorse.ErrUnavailable) || errors.Is(err, drayhorse.ErrFull) || !s.wait(ctx, &backoff) {
			return err
		}
	}
}

// InUse reports whether there are, or have been, flows in the namespace.
func (s *Store) InUse(ctx context.Context) (bool, error) {
	n, err := s.client.Exists(redis.Until(ctx, time.Now().Add(jobs.Patience)), s.marker).Result()
	return n > 0, err
}

// Source names a partition as flows do.
func Source(p *jobs.Partition) string { return p.Queue + "/" + strconv.Itoa(p.Index) }

// Get gives what is known of a flow, without its steps. The errors are drayhorse.ErrNotFound and
// ErrUnavailable.
func (s *Store) Get(ctx context.Context, id string) (*flow.Info, error) {
	return s.steer(ctx, infoScript, id)
}

// GetWithSteps gives what is known of a flow. The errors are those of Get.
func (s *Store) GetWithSteps(ctx context.Context, id string) (*flow.Info, error) {
	info, err := s.Get(ctx, id)
	if err == nil && info.HasSteps {
		info.Steps, err = s.Steps(ctx, id, info.CreatedAt, info.Total)
	}
	return info, err
}

// decodeInfo reads what describe of the prelude gives.
func decodeInfo(id string, value any) *flow.Info {
	fields, list := map[string]string{}, redis.AsStrings(value)
	for i := 0; i+1 < len(list); i += 2 {
		fields[list[i]] = list[i+1]
	}
	n := func(name string) int64 {
		v, _ := strconv.ParseInt(fields[name], 10, 64)
		return v
	}
	at := func(name string) time.Time {
		if fields[name] == "" {
			return time.Time{}
		}
		return time.UnixMilli(n(name))
	}
	info := &flow.Info{
		ID: id, Total: int(n("a")), Completed: int(n("c")), Discarded: int(n("d")), Cancelled: int(n("x")),
		Reason: fields["cancelled"], Partitions: int(n("sources")), Pending: int(n("ops")),
		CreatedAt: at("created"), ClosedAt: at("closed"), EndedAt: at("ended"), Deadline: at("deadline"),
	}
	info.HasSteps, info.Running = fields["dag"] != "", int(n("q"))
	info.Waiting = max(info.Total-info.Running-info.Completed-info.Discarded-info.Cancelled, 0)
	abandoned := fields["abandoned"] != ""
	if abandoned && info.Reason == "" {
		info.Reason = "abandoned"
	}
	switch {
	case fields["st"] == "draft":
		info.State, info.OpenUntil = flow.Draft, at("open")
	case fields["st"] == "open":
		info.State, info.OpenUntil = flow.Open, at("open")
	case fields["st"] == "closing":
		info.State = flow.Running
	case fields["cancelled"] != "":
		info.State = flow.Cancelled
	case abandoned || info.Discarded+info.Cancelled > 0:
		info.State = flow.Failed
	default:
		info.State = flow.Completed
	}
	if info.HasSteps {
		return info
	}
	for _, letter := range fields["fired"] {
		info.Called = append(info.Called, map[rune]string{'c': "complete", 's': "success", 'f': "failure"}[letter])
	}
	return info
}
