package registry

import (
	"testing"

	"github.com/drayhorse/drayhorse/internal/redis"
	"github.com/drayhorse/drayhorse/internal/redistest"
)

// FuzzRows: whatever stands where workers announce themselves, reading it does not
// panic and comes to an end.
func FuzzRows(f *testing.F) {
	f.Add([]byte(`["0",["{\"id\":\"a\",\"queues\":{\"q\":1},\"kinds\":[\"k\"],\"jobs\":[{\"id\":\"1\"}]}","1700000000000"]]`))
	f.Add([]byte(`["7",["{\"id\":\"a\"}","1","{\"id\":\"a\"}","2"]]`))
	f.Add([]byte(`["0",["no JSON","x"]]`))
	f.Add([]byte(`["0",[1]]`))
	client, err := redis.Open(redis.Config{URL: "redis://127.0.0.1:1"})
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(func() { _ = client.Close() })
	canned := &redistest.Canned{}
	client.AddHook(canned)
	registry := New(client, "fuzz")
	f.Fuzz(func(t *testing.T, text []byte) {
		reply, ok := redistest.Reply(text)
		if !ok {
			return
		}
		*canned = redistest.Canned{Reply: reply, Times: 3}
		_, _ = registry.List(t.Context())
		_, _ = registry.Get(t.Context(), "a")
	})
}
