package top

import (
	"strings"
	"testing"
	"time"

	"github.com/drayhorse/drayhorse"
	"github.com/drayhorse/drayhorse/admin"
)

// is wants a job to be in a state, now.
func (d *desk) is(id string, want drayhorse.State) {
	d.t.Helper()
	if info, err := d.admin.Get(d.t.Context(), "", id); err != nil || info.State != want {
		d.t.Errorf("%s is %+v, %v; want it %s", id, info, err, want)
	}
}

// TestNothingIsDoneUnasked: a key that does something opens a question, and every answer but y
// leaves it.
func TestNothingIsDoneUnasked(t *testing.T) {
	t.Parallel()
	d := setup(t)
	d.enqueue("ok", "a", drayhorse.In(time.Hour))
	d.press("3")
	for _, act := range []key{"C", "R", "D", "N"} {
		for _, answer := range []key{"n", "enter", "esc", " ", "C", "D", "q", "ctrl+c", "j", "tab", "alt+y"} {
			d.press(act)
			d.sees("job a of queue default (ok)", "any other key leaves it")
			d.press(answer)
			d.sees("Nothing was done.")
			d.is("a", drayhorse.Scheduled)
			if d.m.ask != nil || d.m.doing != nil || d.m.quit {
				t.Fatalf("%s, %s: asks %v, does %v, quits %v", act, answer, d.m.ask, d.m.doing, d.m.quit)
			}
		}
		d.press(act)
		d.m.paste("y") // is no key
		d.is("a", drayhorse.Scheduled)
		d.press("n")
	}
}

func TestActsOnJobs(t *testing.T) {
	t.Parallel()
	d := setup(t)
	d.enqueue("ok", "a", drayhorse.In(time.Hour))
	d.press("3", "R", "y")
	d.sees("Retried job a of queue default (ok).")
	d.is("a", drayhorse.Available)
	d.press("R") // it is available
	d.sees("Retry is not for a job that is available.")
	d.press("C", "y")
	d.sees("Cancelled job a of queue default (ok).")
	d.is("a", drayhorse.Cancelled)
	d.press("C")
	d.sees("Cancel is not for a job that is cancelled.")
	d.press("enter", "R", "y")
	d.is("a", drayhorse.Available)
	d.press("N", "y")
	d.sees("Cloned job a of queue default (ok): job ")
	if page, err := d.admin.Jobs(t.Context(), admin.Filter{}); err != nil || len(page.Jobs) != 2 {
		t.Errorf("%+v, %v; want the job and its clone", page, err)
	} else {
		for _, info := range page.Jobs {
			if info.ID == "a" {
				continue
			}
			if err := d.admin.Delete(t.Context(), "", info.ID); err != nil {
				t.Error(err)
			}
		}
	}
	d.press("D", "Y")
	d.sees("Deleted job a of queue default (ok).", "It is gone")
	if page, err := d.admin.Jobs(t.Context(), admin.Filter{}); err != nil || len(page.Jobs) != 0 {
		t.Errorf("%+v, %v; want no job left", page, err)
	}
	d.press("D", "y") // there is nothing left to be deleted
	d.sees("Delete job a of queue default (ok): not found")
	d.press("esc", "r", "esc")
	if strings.Contains(d.screen(80), "not found") {
		t.Errorf("an error that was seen stays:\n%s", d.screen(80))
	}
}

// TestAQueueIsPausedWithAReason, which stands beside who did it.
func TestAQueueIsPausedWithAReason(t *testing.T) {
	t.Parallel()
	d := setup(t)
	d.enqueue("ok", "a", drayhorse.Queue("mail"))
	d.press("2", "P")
	d.types("their API is down")
	d.press("esc")
	d.sees("Nothing was done.")
	d.press("P")
	d.types("y y D") // is text here
	d.press("ctrl+u")
	d.types("their API is dwn")
	d.press("left", "left", "o", "enter")
	d.sees("queue mail", "Its jobs wait until it is resumed.", "Why: their API is down")
	if q, err := d.admin.Queue(t.Context(), "mail"); err != nil || q.Paused {
		t.Fatalf("%+v, %v; want it not paused before it was confirmed", q, err)
	}
	d.press("y")
	d.sees("Paused queue mail.", "Paused by ann", "their API is down", "P resume")
	if q, err := d.admin.Queue(t.Context(), "mail"); err != nil || !q.Paused || q.Pauses[0].By != "ann" || q.Pauses[0].Why != "their API is down" {
		t.Errorf("%+v, %v", q, err)
	}
	d.press("P", "enter", "y") // no reason
	d.sees("Resumed queue mail.")
	if q, err := d.admin.Queue(t.Context(), "mail"); err != nil || q.Paused {
		t.Errorf("%+v, %v; want it resumed", q, err)
	}
}

// TestActsMeanWhatWasChosen: rows come in front of the one that is chosen, and it goes itself,
// while somebody is about to act.
func TestActsMeanWhatWasChosen(t *testing.T) {
	t.Parallel()
	d := setup(t)
	for _, id := range []string{"b", "c", "d"} {
		d.enqueue("ok", id, drayhorse.Queue("mail"), drayhorse.In(2*time.Hour))
	}
	d.press("3", "j")
	d.chosen("c ")
	d.enqueue("ok", "a", drayhorse.Queue("mail"), drayhorse.In(time.Hour)) // runs before them
	d.enqueue("ok", "0", drayhorse.Queue("a-mail"), drayhorse.In(time.Hour))
	d.read()
	d.chosen("c ")
	d.press("C", "y")
	d.is("c", drayhorse.Cancelled)
	for _, id := range []string{"0", "a", "b", "d"} {
		d.is(id, drayhorse.Scheduled)
	}
	// It is gone from the list, and another one takes its place there.
	d.press("/")
	d.types("state:scheduled queue:mail")
	d.press("enter", "g", "j")
	d.chosen("b ")
	if err := d.admin.Cancel(t.Context(), "mail", "b"); err != nil {
		t.Fatal(err)
	}
	d.read()
	d.chosen("b ")
	d.sees("(gone)")
	d.press("D", "y")
	d.sees("Deleted job b of queue mail (ok).")
	for _, id := range []string{"a", "d"} {
		d.is(id, drayhorse.Scheduled)
	}
}

// TestAQuestionKeepsItsJob whatever is read, and chosen, while it is open.
func TestAQuestionKeepsItsJob(t *testing.T) {
	t.Parallel()
	d := setup(t)
	for _, id := range []string{"b", "c"} {
		d.enqueue("ok", id, drayhorse.In(2*time.Hour))
	}
	d.press("3", "C")
	d.sees("job b of queue default (ok)")
	d.enqueue("ok", "a", drayhorse.In(time.Hour))
	if err := d.admin.Retry(t.Context(), "default", "b"); err != nil { // it goes elsewhere in the list
		t.Fatal(err)
	}
	for range 3 {
		d.read()
	}
	d.m.current().(*jobsView).list.move(1)
	d.sees("job b of queue default (ok)")
	d.press("y")
	d.sees("Cancelled job b of queue default (ok).")
	d.is("b", drayhorse.Cancelled)
	d.is("a", drayhorse.Scheduled)
	d.is("c", drayhorse.Scheduled)
}

// TestARunningJobIsCancelled from the list of what its worker runs.
func TestARunningJobIsCancelled(t *testing.T) {
	t.Parallel()
	d := setup(t)
	d.enqueue("hang", "stuck", drayhorse.Queue("mail"))
	d.work("mail")
	d.state("stuck", drayhorse.Running)
	d.running("stuck")
	d.press("4", "enter", "C", "y")
	d.sees("Cancelled job stuck of queue mail (hang).")
	d.state("stuck", drayhorse.Cancelled)
}

func TestReadOnlyChangesNothing(t *testing.T) {
	t.Parallel()
	d := setup(t)
	d.m.readOnly = true
	d.enqueue("ok", "a", drayhorse.In(time.Hour))
	for _, keys := range [][]key{{"2", "P"}, {"3", "C"}, {"3", "R"}, {"3", "N"}, {"3", "D"}, {"1", "P"}} {
		d.press(keys...)
		d.sees("Nothing can be changed: top was started with --read-only.")
		if text := d.screen(80); d.m.ask != nil || d.m.edit != nil || strings.Contains(text, "C cancel") || strings.Contains(text, "P pause") {
			t.Errorf("%v is offered:\n%s", keys, text)
		}
	}
	d.is("a", drayhorse.Scheduled)
}
