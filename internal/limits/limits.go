package limits

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/drayhorse/drayhorse"
	"github.com/drayhorse/drayhorse/internal/jobs"
	"github.com/drayhorse/drayhorse/internal/redis"
)

//go:embed scripts
var files embed.FS

var (
	library       = redis.NewLibrary(files, "limits", "grants")
	setScript     = library.Load("set")
	balanceScript = library.Load("balance")
)

var words = redis.Words{"NOTFOUND": drayhorse.ErrNotFound, "LIMITS": drayhorse.ErrInvalid}

// MaxPartitions is how many partitions of a queue may share a limit, and how many of all queues have or need something
// of it at a time: ROWS of balance.lua.
const MaxPartitions = 128

// Limits is the limits of a namespace. It keeps nothing, and any number of them work on the same.
type Limits struct {
	engine *jobs.Engine
	prefix string
}

// New makes one. It does not connect.
func New(engine *jobs.Engine, namespace string) *Limits {
	return &Limits{engine, namespace + ":{@limits}:"} // no queue can have a name with @
}

// keys are those of a limit's scripts.
func (l *Limits) keys(name string) []string {
	return []string{l.prefix + "limits", l.prefix + "grants:" + name}
}

// Set declares a valid limit, or changes it. One that an operator has set stays as it is if it is a program that asks.
// It gives what holds now. The error is drayhorse.ErrInvalid or ErrUnavailable.
func (l *Limits) Set(ctx context.Context, limit *drayhorse.Limit, operator bool, by, why string) (*jobs.Declared, error) {
	if limit.Queue != "" {
		partitions, err := l.engine.Queue(ctx, limit.Queue)
		if err != nil {
			return nil, err
		}
		switch n := len(partitions); {
		case n == 1 || limit.PerGroup:
			return l.engine.SetLimit(ctx, limit, operator, by, why)
		case n > MaxPartitions:
			return nil, fmt.Errorf("%w: limit %s: queue %s has %d partitions; want at most %d, or a limit per group",
				drayhorse.ErrInvalid, limit.Name, limit.Queue, n, MaxPartitions)
		}
	}
	now, err := l.note(ctx, limit, operator, by, why)
	if err != nil {
		return nil, err
	}
	partitions, err := l.partitions(ctx, limit.Queue)
	if err != nil {
		return nil, err
	}
	return now, errors.Join(l.declare(ctx, now, partitions), l.balance(ctx, limit.Name, l.ask(ctx, limit.Name, partitions)))
}

// note writes a limit that is shared, and gives what holds now.
func (l *Limits) note(ctx context.Context, limit *drayhorse.Limit, operator bool, by, why string) (*jobs.Declared, error) {
	args, err := jobs.LimitArgs(limit, true, operator, by, why)
	if err != nil {
		return nil, err
	}
	value, err := l.run(ctx, setScript, limit.Name, append(args, limit.Queue)...)
	if err != nil {
		return nil, err
	}
	reply := redis.AsList(value)
	if len(reply) != 2 {
		return nil, fmt.Errorf("limit: unexpected reply %v", value)
	}
	now, _, err := read(limit.Name, redis.AsString(reply[1]))
	return now, err
}

// run runs a script on the keys of a limit. Its name is the first of the arguments.
func (l *Limits) run(ctx context.Context, s *redis.Script, name string, args ...any) (any, error) {
	value, err := l.engine.Client().Run(ctx, redis.Call{Script: s, Keys: s.KeysOf(l.keys(name)), Args: args})
	return value, words.Failure("limit", err)
}

// read reads a row of set.lua; false: the limit was taken away.
func read(name, row string) (d *jobs.Declared, lives bool, err error) {
	queue, its, _ := strings.Cut(row, "|")
	if strings.HasPrefix(its, "removed|") {
		return nil, false, nil
	}
	d, err = jobs.ReadLimit(name, queue, its)
	return d, true, err
}

// declare has partitions know a limit that they share.
func (l *Limits) declare(ctx context.Context, d *jobs.Declared, partitions []*jobs.Partition) error {
	return l.engine.DeclareShared(ctx, partitions, &d.Limit, d.Operator, d.By, d.Why)
}

// partitions gives those of a queue, or of all.
func (l *Limits) partitions(ctx context.Context, queue string) ([]*jobs.Partition, error) {
	if queue != "" {
		return l.engine.Queue(ctx, queue)
	}
	queues, err := l.engine.Queues(ctx)
	return slices.Concat(queues...), err
}

// Remove takes a limit away, as List has given it. The error is drayhorse.ErrNotFound or ErrUnavailable.
func (l *Limits) Remove(ctx context.Context, limit *drayhorse.Limit, shared bool) error {
	partitions, err := l.partitions(ctx, limit.Queue)
	if err != nil {
		return err
	}
	if !shared {
		return jobs.RemoveLimit(ctx, partitions, limit.Name)
	}
	if _, err := l.run(ctx, setScript, limit.Name, limit.Name, "operator", "", "", limit.Queue); err != nil {
		return err
	}
	return l.engine.RemoveShared(ctx, partitions, limit.Name)
}

// CloseBreaker closes the breaker of a limit, as List has given it, in all its partitions. The error is
// drayhorse.ErrUnavailable.
func (l *Limits) CloseBreaker(ctx context.Context, limit *drayhorse.Limit) error {
	partitions, err := l.partitions(ctx, limit.Queue)
	if err != nil {
		return err
	}
	return l.engine.CloseBreaker(ctx, partitions, limit.Name)
}

// List gives all limits. The error is drayhorse.ErrUnavailable.
func (l *Limits) List(ctx context.Context) ([]*jobs.Declared, error) {
	queues, _, err := l.engine.List(ctx)
	if err != nil {
		return nil, err
	}
	return l.list(ctx, queues, func(*jobs.Declared) bool { return true })
}

// ListOf gives the limits of queues, each with its partitions, and those of all queues, with what runs and waits in
// these.
func (l *Limits) ListOf(ctx context.Context, queues ...[]*jobs.Partition) ([]*jobs.Declared, error) {
	return l.list(ctx, queues, func(d *jobs.Declared) bool {
		return d.Queue == "" || slices.ContainsFunc(queues, func(partitions []*jobs.Partition) bool { return partitions[0].Queue == d.Queue })
	})
}

// list gives the limits of queues, and of those that are shared the ones to be kept.
func (l *Limits) list(ctx context.Context, queues [][]*jobs.Partition, keep func(*jobs.Declared) bool) ([]*jobs.Declared, error) {
	all, err := l.Shared(ctx)
	if err != nil {
		return nil, err
	}
	all = slices.DeleteFunc(all, func(d *jobs.Declared) bool { return !keep(d) })
	shared := map[string]*jobs.Declared{}
	for _, d := range all {
		shared[d.Name] = d
	}
	declared, err := l.engine.LimitsOf(ctx, queues...)
	if err != nil {
		return nil, err
	}
	for _, d := range declared {
		if whole := shared[d.Name]; d.Shared && whole != nil {
			whole.Add(d)
		} else if !d.Shared {
			all = append(all, d)
		}
	}
	return all, nil
}

// Shared gives the limits that are shared. The error is drayhorse.ErrUnavailable.
func (l *Limits) Shared(ctx context.Context) ([]*jobs.Declared, error) {
	rows, err := l.engine.Client().HGetAll(ctx, l.prefix+"limits").Result()
	if err != nil {
		return nil, redis.Wrap("list limits", err)
	}
	var all []*jobs.Declared
	var errs []error
	for name, row := range rows {
		d, lives, err := read(name, row)
		if lives {
			all = append(all, d)
		}
		errs = append(errs, err)
	}
	slices.SortFunc(all, func(a, b *jobs.Declared) int { return strings.Compare(a.Name, b.Name) })
	return all, errors.Join(errs...)
}

// Join has partitions know the limits that all queues share. Who claims from a queue calls it first: the queue may have
// been made since a limit was set.
func (l *Limits) Join(ctx context.Context, partitions []*jobs.Partition) error {
	all, err := l.Shared(ctx)
	if err != nil {
		return err
	}
	var errs []error
	for _, d := range all {
		if d.Queue != "" || len(partitions) == 0 {
			continue
		}
		errs = append(errs, l.declare(ctx, d, partitions), l.balance(ctx, d.Name, l.ask(ctx, d.Name, partitions)))
	}
	return errors.Join(errs...)
}
