package registry

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/drayhorse/drayhorse"
	"github.com/drayhorse/drayhorse/internal/redis"
)

// pageSize is about how many workers one call reads.
const pageSize = 100

// Registry is the only owner of its keys. It keeps nothing itself.
type Registry struct {
	client *redis.Client
	keys   []string // workers, seen, listening
}

// New makes a registry. It does not connect.
func New(client *redis.Client, namespace string) *Registry {
	// A queue's hash tag is its name, and no queue can have a name with @.
	prefix := namespace + ":{@workers}:"
	return &Registry{client: client, keys: []string{prefix + "workers", prefix + "seen", prefix + "listening"}}
}

// Announce says that a worker is there, for as long as Expiry, and gives for how long somebody
// listens to events; 0: nobody does. SeenAt is not written. The error is
// drayhorse.ErrUnavailable.
func (r *Registry) Announce(ctx context.Context, w *Worker) (listening time.Duration, err error) {
	row, err := json.Marshal(w)
	if err != nil {
		return 0, fmt.Errorf("announce worker: %w", err)
	}
	ms, err := r.run(ctx, announceScript, w.ID, row, Expiry.Milliseconds())
	return time.Duration(redis.AsInt(ms)) * time.Millisecond, err
}

// Leave takes out a worker that has stopped. The error is
// drayhorse.ErrUnavailable.
func (r *Registry) Leave(ctx context.Context, id string) error {
	_, err := r.run(ctx, leaveScript, id)
	return err
}

// List gives all workers, those that began first in front. The error is
// drayhorse.ErrUnavailable.
func (r *Registry) List(ctx context.Context) ([]Worker, error) {
	all := []Worker{}
	for cursor := "0"; ; {
		next, page, err := r.page(ctx, cursor, "")
		if err != nil {
			return nil, err
		}
		all = append(all, page...)
		if cursor = next; cursor == "0" {
			break
		}
	}
	slices.SortFunc(all, func(a, b Worker) int {
		return cmp.Or(a.StartedAt.Compare(b.StartedAt), cmp.Compare(a.ID, b.ID))
	})
	return slices.CompactFunc(all, func(a, b Worker) bool { return a.ID == b.ID }), nil
}

// Get gives one worker. The error is drayhorse.ErrNotFound or ErrUnavailable.
func (r *Registry) Get(ctx context.Context, id string) (*Worker, error) {
	if id == "" { // which the script takes for all
		return nil, fmt.Errorf("%w: worker without an id", drayhorse.ErrInvalid)
	}
	_, found, err := r.page(ctx, "0", id)
	if err != nil {
		return nil, err
	}
	if len(found) == 0 {
		return nil, fmt.Errorf("%w: worker %s", drayhorse.ErrNotFound, id)
	}
	return &found[0], nil
}

func (r *Registry) page(ctx context.Context, cursor, id string) (next string, found []Worker, err error) {
	reply, err := r.run(ctx, listScript, cursor, pageSize, Expiry.Milliseconds(), id)
	if err != nil {
		return "", nil, err
	}
	fields := redis.AsList(reply)
	if len(fields) != 2 {
		return "", nil, fmt.Errorf("list workers: unexpected reply %v", reply)
	}
	next = redis.AsString(fields[0])
	rows := redis.AsList(fields[1])
	for i := 0; i+1 < len(rows); i += 2 {
		row := redis.AsString(rows[i])
		var w Worker
		if err := json.Unmarshal([]byte(row), &w); err != nil {
			return "", nil, fmt.Errorf("list workers: %.100q: %w", row, err)
		}
		w.SeenAt = redis.AsTime(rows[i+1]).UTC()
		found = append(found, w)
	}
	return next, found, nil
}

func (r *Registry) run(ctx context.Context, script *redis.Script, args ...any) (any, error) {
	value, err := r.client.Run(ctx, redis.Call{Script: script, Keys: script.KeysOf(r.keys), Args: args})
	return value, redis.Wrap(script.Name+" worker", err)
}
