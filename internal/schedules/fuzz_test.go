package schedules

import (
	"testing"
	"time"

	"github.com/drayhorse/drayhorse"
	"github.com/drayhorse/drayhorse/internal/jobs"
	"github.com/drayhorse/drayhorse/internal/redis"
	"github.com/drayhorse/drayhorse/internal/redistest"
)

// FuzzReplies: whatever a server answers, each step reads it without a panic and comes
// to an end.
func FuzzReplies(f *testing.F) {
	record := `"1|source|{\"id\":\"a\",\"every\":\"1s\",\"kind\":\"k\",\"queue\":\"q\"}"`
	for _, reply := range []string{
		`["1700000000000","1700000001000",["a","1700000000000",` + record + `]]`,
		`[1,["a@000001700000000 q",` + record + `,"q a@1","1"]]`,
		`[1,"0",["a",` + record + `,"1700000000000","1","1"]]`, `["ok","none"]`, `"10"`, `1`,
		`"1700000000000 1700000000001 enqueued 0 q\n1700000001000 1 missed 7"`,
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
		ctx, s, engine := t.Context(), New(client, "fuzz"), jobs.New(client, "fuzz")
		for _, step := range []func(){
			func() { _, _ = s.Look(ctx, 1, 0) },
			func() { _, _ = s.Fire(ctx, 1, []Firing{{ID: "a"}, {ID: "b"}}) },
			func() { _, _ = s.Take(ctx, 1, Outbox, 0) },
			func() { _ = s.Clear(ctx, 1, []Clearing{{}}) },
			func() { _, _ = s.List(ctx) },
			func() { _, _ = s.Get(ctx, "a") },
			func() { _, _ = s.History(ctx, engine, "a") },
			func() { _, _ = s.Diff(ctx, Source{Name: "source"}) },
			func() { _ = s.Add(ctx, Declaration{ID: "a", Every: time.Second, Kind: "k"}, true) },
			func() { _ = s.Remove(ctx, "a") },
			func() { _ = s.Pause(ctx, "a") },
			func() { _ = s.Resume(ctx, "a") },
		} {
			*canned = redistest.Canned{Reply: reply, Times: 4}
			step()
		}
	})
}

// FuzzRecord: a declaration is read back as it was written, and what it says it fires
// can be worked out.
func FuzzRecord(f *testing.F) {
	f.Add(`7|source|{"id":"a","cron":"0 3 * * *","timezone":"Europe/Paris","kind":"k","queue":"q","max_attempts":3,"timeout":"1m0s","catch_up":"all","overlap":"allow"}`)
	f.Add(`1||{"id":"b","every":"1s","kind":"k","args":{"a":1}}`)
	f.Add(`||`)
	f.Fuzz(func(t *testing.T, text string) {
		r, err := ParseRecord(text)
		if err != nil {
			return
		}
		if r.Settle() != nil {
			return
		}
		again, err := r.encode()
		if err != nil {
			t.Fatal(err)
		}
		read, err := ParseRecord(r.Revision + "|" + r.Source + "|" + again)
		if err != nil {
			t.Fatal(err)
		}
		if twice, err := read.encode(); err != nil || twice != again {
			t.Errorf("%s, then %s, %v", again, twice, err)
		}
		timetable, err := r.Timetable()
		if err != nil {
			t.Fatalf("what was settled has no timetable: %v", err)
		}
		now := time.Date(2030, 3, 31, 0, 30, 0, 0, time.UTC)
		if next := timetable.Next(now); !next.IsZero() && !next.After(now) {
			t.Errorf("after %v comes %v", now, next)
		}
	})
}

// FuzzEntry: entries of the outbox, lines of the history and places of jobs are read
// back as they were written.
func FuzzEntry(f *testing.F) {
	f.Add("a@000001700000000 q")
	f.Add("1700000000000 1700000000001 enqueued 0 q a")
	f.Add("q a@1")
	f.Fuzz(func(t *testing.T, text string) {
		if e, err := parseEntry(text); err == nil {
			if again, err := parseEntry(e.String()); err != nil || again != e {
				t.Errorf("%q: %+v, then %+v, %v", text, e, again, err)
			}
		}
		e := parseEvent("a", text)
		if again := parseEvent("a", e.line("a")); again != e {
			t.Errorf("%q: %+v, then %+v", text, e, again)
		}
		if p := parsePlace(text); p.Queue != "" && parsePlace(p.String()) != p {
			t.Errorf("%q: %+v", text, p)
		}
	})
}

// FuzzDefaultSource: whatever the path, the name is one that a source can have, with room
// for the mark of a set.
func FuzzDefaultSource(f *testing.F) {
	for _, path := range []string{"/etc/drayhorse/scheduler.yaml", "github.com/acme/shop/cmd/server", "", "/", "a@b", "\xff\x00", "//x//"} {
		f.Add(path)
	}
	f.Fuzz(func(t *testing.T, path string) {
		name := DefaultSource(path)
		if err := drayhorse.ValidateID(name + setMark + mark(nil)); err != nil {
			t.Errorf("%q: %v", path, err)
		}
		if again := DefaultSource(path); again != name || (&Source{Default: name}).isDefault(name+"x") {
			t.Errorf("%q: %q, then %q", path, name, again)
		}
	})
}
