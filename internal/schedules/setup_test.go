package schedules

import (
	"context"
	"encoding/json"
	"testing"
	"time"

	"github.com/drayhorse/drayhorse/internal/embedded/embeddedtest"
	"github.com/drayhorse/drayhorse/internal/jobs"
	"github.com/drayhorse/drayhorse/internal/redis"
	"github.com/drayhorse/drayhorse/internal/redistest"
)

func TestMain(m *testing.M) { redistest.Main(m) }

// world is a store in a namespace of its own.
type world struct {
	*Store

	ctx    context.Context
	engine *jobs.Engine
}

func newWorld(t *testing.T, url string) *world {
	t.Helper()
	client, err := redis.Open(redis.Config{URL: url})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = client.Close() })
	namespace := redistest.Namespace(t)
	return &world{New(client, namespace), t.Context(), jobs.New(client, namespace)}
}

// conform runs a test on every kind of server.
func conform(t *testing.T, test func(t *testing.T, w *world)) {
	t.Helper()
	t.Parallel()
	for name, url := range map[string]func(*testing.T) string{
		"single":   func(t *testing.T) string { return redistest.Shared(t) },
		"cluster":  func(t *testing.T) string { return redistest.SharedCluster(t) },
		"embedded": func(t *testing.T) string { return embeddedtest.URL(t) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, newWorld(t, url(t)))
		})
	}
}

// each is a schedule of the given ID that fires every second.
func each(id string) Declaration {
	d := Declaration{ID: id, Every: time.Second, Kind: "k", Args: json.RawMessage(`{}`)}
	if err := d.Settle(); err != nil {
		panic(err)
	}
	return d
}

// due adds a schedule whose next tick is that tick, and gives it as a leader sees
// it.
func (w *world) due(id string, tick time.Time) (Due, error) {
	d := each(id)
	if _, err := w.put(w.ctx, "", time.Now(), []put{{declaration: &d, timing: true, next: tick}}); err != nil {
		return Due{}, err
	}
	look, err := w.Look(w.ctx, 1, 0)
	if err != nil {
		return Due{}, err
	}
	for _, found := range look.Due {
		if found.ID == id {
			return found, nil
		}
	}
	return Due{}, errNotDue
}

// firing moves a schedule on by a second.
func firing(d Due) Firing {
	return Firing{
		ID: d.ID, Tick: d.Tick, Revision: RevisionOf(d.Raw), Next: d.Tick.Add(time.Second), Decided: d.Tick,
		Entries: []Entry{{Schedule: d.ID, Tick: d.Tick, Queue: "default"}},
	}
}

// past is a tick some time ago.
func past() time.Time { return time.Now().Truncate(time.Second).Add(-time.Minute).UTC() }
