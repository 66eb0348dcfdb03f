package lock

import (
	"context"
	"testing"

	"github.com/drayhorse/drayhorse/internal/redis"
	"github.com/drayhorse/drayhorse/internal/redistest"
)

// FuzzReplies: whatever a server answers, each step reads it without a panic, and
// nobody gets the lock of whom Redis has not said so.
func FuzzReplies(f *testing.F) {
	f.Add([]byte(`["GRANTED","7"]`))
	f.Add([]byte(`["LOCKED","3","owner","1","5000","100","host","1700000000000"]`))
	f.Add([]byte(`["LOCKED","3","owner","1","-5","x",null,7]`))
	f.Add([]byte(`[null,"7"]`))
	f.Add([]byte(`1`))
	client, err := redis.Open(redis.Config{URL: "redis://127.0.0.1:1"})
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(func() { _ = client.Close() })
	canned := &redistest.Canned{}
	client.AddHook(canned)
	locker, err := New(client, Config{Namespace: "fuzz"})
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		reply, ok := redistest.Reply(text)
		if !ok {
			return
		}
		ctx := context.WithoutCancel(t.Context())
		*canned = redistest.Canned{Reply: reply, Times: 4}
		h := locker.newHold("thing")
		_, err := h.acquire(ctx, mark{})
		list, _ := reply.([]any)
		if err == nil && (len(list) != 2 || list[0] != "GRANTED") {
			t.Errorf("%s: the lock is had", text)
		}
		_ = h.renew(ctx)
		_ = h.release(ctx)
		if len(list) == 4 {
			_, _ = locker.Look(ctx, "thing")
		}
	})
}
