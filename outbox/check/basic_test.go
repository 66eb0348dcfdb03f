package check

import (
	"testing"
	"time"

	"github.com/drayhorse/drayhorse"
	"github.com/drayhorse/drayhorse/internal/redistest"
)

func TestCommittedJobsComeAndOthersDoNot(t *testing.T) {
	each(t, func(t *testing.T, d *database) {
		r := setup(t, d, nil)
		r.relay()
		never := r.begin()
		r.in(never, mails("mail", 100, 3)...)
		if err := never.Rollback(); err != nil {
			t.Fatal(err)
		}
		r.enqueue(mails("mail", 0, 250)...)
		r.enqueue(mails("other", 7, 1)...)
		r.drained()
		wantMails(t, r.line("mail"), 0, 250)
		wantMails(t, r.line("other"), 7, 1)
	})
}

// TestOptionsSurvive: what the application asked for is what the job has.
func TestOptionsSurvive(t *testing.T) {
	each(t, func(t *testing.T, d *database) {
		r := setup(t, d, nil)
		at := time.Now().Add(48 * time.Hour).Truncate(time.Millisecond)
		raw := `{"a":  "<&> ünïcode \u0000"}`
		option := func(id string, more ...drayhorse.Option) []drayhorse.Option {
			return append(more, drayhorse.ID(id), drayhorse.Queue("mail"))
		}
		r.enqueue(
			drayhorse.Spec{Args: drayhorse.Raw("raw.kind", []byte(raw)), Options: option("raw", drayhorse.MaxAttempts(3))},
			drayhorse.Spec{Args: mail{1}, Options: option("at", drayhorse.At(at))},
			drayhorse.Spec{Args: mail{2}, Options: option("in", drayhorse.In(time.Hour))},
			drayhorse.Spec{Args: drayhorse.Raw("nothing", nil), Options: option("late", drayhorse.In(time.Millisecond))},
		)
		begun := time.Now()
		redistest.Eventually(t, time.Second, "time passes", func() bool { return time.Since(begun) > 20*time.Millisecond })
		r.relay()
		r.drained()
		get := func(id string) *drayhorse.Info {
			info, err := r.producer.Get(t.Context(), id, drayhorse.Queue("mail"))
			if err != nil {
				t.Fatal(err)
			}
			return info
		}
		if got := get("raw"); got.Kind != "raw.kind" || string(got.Args) != raw || got.MaxAttempts != 3 || got.State != drayhorse.Available {
			t.Errorf("raw = %+v", got)
		}
		if got := get("at"); !got.DueAt.Equal(at) {
			t.Errorf("at = %v, want %v", got.DueAt, at)
		}
		if got := get("in"); begun.Add(time.Hour).Sub(got.DueAt).Abs() > time.Minute {
			t.Errorf("in an hour = %v", got.DueAt)
		}
		if got := get("late"); got.State != drayhorse.Available || string(got.Args) != "null" {
			t.Errorf("late = %+v, want one that is available", got)
		}
	})
}

func TestMigrateByManyAtOnce(t *testing.T) {
	each(t, func(t *testing.T, d *database) {
		r := setup(t, d, nil)
		r.exec("DROP TABLE {outbox}")
		r.exec("DROP TABLE {outbox}_refused")
		r.exec("DROP TABLE {outbox}_meta")
		errs := make(chan error)
		for range 8 {
			go func() { errs <- r.box.Migrate(t.Context()) }()
		}
		for range 8 {
			if err := <-errs; err != nil {
				t.Error(err)
			}
		}
		r.relay()
		r.enqueue(mails("mail", 0, 1)...)
		r.drained()
		wantMails(t, r.line("mail"), 0, 1)
	})
}
