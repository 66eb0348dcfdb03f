package redis_test

import (
	"testing"

	"github.com/drayhorse/drayhorse/internal/redis"
	"github.com/drayhorse/drayhorse/internal/redistest"
)

// FuzzCheck: whatever a server says of itself, looking whether it will do ends with a
// yes or an error.
func FuzzCheck(f *testing.F) {
	f.Add([]byte(`"# Server\r\nredis_version:7.0.15\r\nrole:master\r\nmaxmemory_policy:noeviction\r\n"`))
	f.Add([]byte(`"redis_version:6.2\r\nredis_mode:cluster"`))
	f.Add([]byte(`["maxmemory-policy","allkeys-lru"]`))
	f.Add([]byte(`null`))
	client, err := redis.Open(redis.Config{URL: "redis://127.0.0.1:1"})
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(func() { _ = client.Close() })
	canned := &redistest.Canned{}
	client.AddHook(canned)
	f.Fuzz(func(t *testing.T, text []byte) {
		reply, ok := redistest.Reply(text)
		if !ok {
			return
		}
		*canned = redistest.Canned{Reply: reply, Times: 8}
		_ = client.Check(t.Context())
	})
}
