package jobs

import (
	"testing"
	"time"

	"github.com/drayhorse/drayhorse"
	"github.com/drayhorse/drayhorse/internal/redis"
	"github.com/drayhorse/drayhorse/internal/redistest"
)

// FuzzReplies: whatever a server answers, each step reads it without a panic and comes
// to an end.
func FuzzReplies(f *testing.F) {
	for _, reply := range []string{
		`["1700000000000","",3,7,"0|0|","1|0|\u0001a",["b"],["1,2"],["c"],["k"]]`, `[1,"2",3,"7","1|1|r","2|1|ab",["e","f"]]`, `[1,"1",2,3,"4",["k"],["lease","5"]]`,
		`[["live","running","envelope","0,0","","",""]]`, `[["ended","completed|1|0|0|0|0|"]]`, `[["seen","completed"]]`, `["0",["a","b"]]`,
		`[1,"01"]`, `["0",["l","0"],1,2]`, `[1,2,0]`, `[1,["a"]]`, `["q","1"]`, `"2"`, `"00"`, `7`,
		`[1,"1",9,1,1,1,1,1,1,1,1,["front"],"",["enqueued","5","retryable","1"]]`,
	} {
		f.Add([]byte(reply))
	}
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
		ask := func() { *canned = redistest.Canned{Reply: reply, Times: 4} }
		e, ctx := New(client, "fuzz"), t.Context()
		ask()
		_, _ = e.Queues(ctx)
		_, _ = e.Lookup(ctx, "other")
		ask()
		_, _ = e.Meet(ctx, []string{"q", "third"})
		p := newPartition(e, "q", 0)
		l := NewLease(p, "l")
		for _, step := range []func(){
			func() { _, _ = p.Summary(ctx) },
			func() { _, _ = p.Get(ctx, "a") },
			func() { _, _, _ = p.List(ctx, drayhorse.Available, "0", MaxPage) },
			func() { _, _ = p.Rescue(ctx, []Score{{Lease: "l", Value: "1"}}) },
			func() { _, _ = p.Sweep(ctx) },
			func() { _, _ = p.Purge(ctx, drayhorse.Completed) },
			func() { _ = p.Cancel(ctx, "a") },
			func() { _, _ = decodeStored(reply, 2, nil) },
			func() { _, _ = e.KeepAll(ctx) },
			func() { _ = e.OnJob(ctx, "", "a", func(*Partition, string) error { return nil }) },
			func() { e.DropQueues(ctx, false, "q", "other") },
			func() { e.Observe(ctx, p) },
			func() { e.Beat(ctx, l) },
			func() { _, _ = e.RunTurnsAndLook(ctx, []*Turn{{Lease: l, Want: 2}}, []*Partition{p}) },
			func() { _, _ = e.Wait(ctx, "", time.Millisecond, p) },
			func() { _ = e.Leave(ctx, l) },
		} {
			ask()
			step()
		}
	})
}

func TestRepliesReadAsZeroWhereTheyAreNot(t *testing.T) {
	t.Parallel()
	if asString(7) != "" || asInt("x") != 0 || asInt(nil) != 0 || asList("x") != nil || asStrings(nil) != nil || !asTime("").IsZero() {
		t.Error("what is of another type must read as zero")
	}
	if asInt("1.5e3") != 1500 || asInt("-7") != -7 {
		t.Errorf("scores: %d, %d", asInt("1.5e3"), asInt("-7"))
	}
}
