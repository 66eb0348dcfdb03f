package top

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/drayhorse/drayhorse"
	"github.com/drayhorse/drayhorse/admin"
	"github.com/drayhorse/drayhorse/internal/board"
)

// nasty are texts that a terminal obeys, that turn it round, that are not seen, that are wide, and
// that go on and on.
var nasty = []string{
	"\x1b]0;pwned\x07\x1b[2J\x1b[31mred", "\u009b2J\u202egnp.exe\u200b", "支払い失敗🚚👩‍👩‍👧", "e\u0301\u0301\u0301", "\xff\xfe\x00", "\r\n\ttwo\vlines", strings.Repeat("\u0301", 500),
	strings.Repeat("長い", 5000), strings.Repeat("x", 1<<16), "🇩🇪🇫🏴󠁧󠁢󠁥󠁮󠁧󠁿", "\u2028\u00ad\ufeff",
}

// at gives one of them, whatever the number.
func at(i int) string { return nasty[i%len(nasty)] }

// hostile is a model of which every text comes from somebody who means no good. Names that are
// checked before they are stored are hostile too: Redis may hold anything.
func hostile() *model {
	now := time.Now()
	m := newModel(at(0), usualEvery, false, func() time.Time { return now })
	r := &board.Reading{At: now, Now: now, Leader: &admin.Leader{Identity: at(0), Since: now.Add(-time.Hour)}, Rates: map[string]board.Rates{"": {In: []float64{-1, 0, 1e9}, Out: []float64{1}, NowIn: 1e9}}}
	var page admin.Page
	var schedules []*admin.Schedule
	var limits []admin.Limit
	for i := range 40 {
		text := at(i)
		r.Names = append(r.Names, text)
		q := admin.Queue{Name: fmt.Sprint(i) + text, Now: now, Oldest: now.Add(-time.Hour), Available: i * 1e8, Discarded: 1, Parked: 1, Suspects: i % 2, MaxDepth: i % 3, Partitions: 2}
		if i%4 == 1 {
			q.Paused, q.Pauses = true, []admin.Paused{{By: text, Why: at(i + 1), At: now}, {Kind: text, Why: text}}
		}
		if i%5 == 2 {
			q.Problem = text
		}
		r.Queues = append(r.Queues, q)
		r.Workers = append(r.Workers, admin.Worker{
			ID: fmt.Sprint(i) + text, Host: text, Version: text, State: admin.WorkerState(text), Stuck: i % 2, Running: 3, Concurrency: i % 4, StartedAt: now, Queues: map[string]int{text: 1},
			Jobs: []admin.RunningJob{{ID: text, Kind: text, Queue: text, Since: now}},
		})
		page.Jobs = append(page.Jobs, &drayhorse.Info{
			ID: fmt.Sprint(i) + text, Kind: text, Queue: text, State: drayhorse.State(text), EnqueuedAt: now, Args: json.RawMessage(text), Result: json.RawMessage(`{"a":"` + text + `"}`),
			Tags: []string{text}, Progress: &drayhorse.Progress{Text: text}, Errors: []drayhorse.AttemptError{{Message: text, Stack: text, At: now}},
		})
		s := &admin.Schedule{Next: now}
		s.ID, s.Kind, s.Queue, s.Source, s.Args, s.Tags = fmt.Sprint(i)+text, text, text, text, json.RawMessage(text), []string{text}
		schedules = append(schedules, s)
		r.Upcoming = append(r.Upcoming, s)
		l := admin.Limit{By: text, Why: text, Running: i * 1e8, Shut: i%3 == 0, State: drayhorse.BreakerState(text), OpenUntil: now.Add(time.Hour), At: now, Version: 1}
		l.Name, l.Queue, l.Kind, l.Concurrency = fmt.Sprint(i)+text, text, text, i*1e8
		limits = append(limits, l)
	}
	servers := []admin.Server{{Version: at(0), Policy: at(1), Memory: 1, MaxMemory: 1}}
	m.take(answer{at: now, reading: r, servers: servers})
	m.tabs[1].take(&queuesRead{of: r.Queues[0].Name, limits: []admin.Limit{{By: at(0), Why: at(1)}}}, m)
	m.tabs[2].take(&page, m)
	m.tabs[3].take(r.Workers, m)
	m.tabs[4].take(&admin.SchedulePage{Schedules: schedules, Next: "x"}, m)
	m.tabs[5].take(limits, m)
	return m
}

// TestHostileTextIsShownNotObeyed in every view and size, beside every window.
func TestHostileTextIsShownNotObeyed(t *testing.T) {
	t.Parallel()
	for _, size := range [][2]int{{80, 24}, {60, 20}, {200, 12}, {40, 10}, {41, 19}, {10, 3}, {1, 1}} {
		m := hostile()
		look := func() {
			m.width, m.height = size[0], size[1]
			wholesome(t, m.draw())
		}
		for tab := range m.tabs {
			for i := range len(nasty) {
				m.show(tab)
				for range i {
					m.press("j")
				}
				look()
				m.press("enter")
				if p, ok := m.current().(*jobView); ok {
					m.current().take(&jobRead{info: p.info, why: []admin.Reason{{Gate: at(i), Detail: at(i + 1)}}}, m)
				}
				if p, ok := m.current().(*scheduleView); ok {
					m.current().take(&scheduleRead{p.schedule, []admin.Tick{{Outcome: at(i), JobID: at(i), Error: at(i)}}}, m)
				}
				look()
				for _, k := range []key{"P", "C", "R", "D", "T", "B", "/"} {
					m.press(k)
					m.paste(at(i))
					look()
					m.press("enter")
					look()
					m.press("esc")
				}
				m.press("?")
				look()
				m.press("x")
			}
		}
		m.said = remark{at(0), true}
		look()
		m.said = remark{}
		m.wrong = errors.New(at(2))
		look()
		m.take(answer{at: time.Now(), err: errors.New(at(0))})
		look()
	}
}

// TestSizes: whatever the size, the line of keys is the last one, and names help and the end.
func TestSizes(t *testing.T) {
	t.Parallel()
	for width := leastWidth; width <= 210; width += 34 {
		for height := leastHeight; height <= 60; height += 10 {
			m := hostile()
			m.width, m.height = width, height
			for tab := range m.tabs {
				m.show(tab)
				c := m.draw()
				wholesome(t, c)
				if last := c.line(c.height - 1); !strings.HasSuffix(last, "? help  q quit") {
					t.Errorf("%dx%d, view %d: the last line is %q", width, height, tab+1, last)
				}
			}
		}
	}
	m := newModel("", usualEvery, false, time.Now)
	m.width, m.height = 30, 8
	if text := m.draw().text(); !strings.Contains(text, "30x8 is too small") || !strings.Contains(text, "want 40x10") {
		t.Errorf("got %s", text)
	}
}

// TestFaultsOfReadersAreKept for the goroutine that can put the terminal back.
func TestFaultsOfReadersAreKept(t *testing.T) {
	t.Parallel()
	d := setup(t)
	a := d.r.read(t.Context(), want{fetch: func(context.Context, *admin.Admin, *board.Reading) (any, error) { panic("a fault") }})
	if a.panicked != "a fault" || !strings.Contains(string(a.stack), "TestFaultsOfReadersAreKept") {
		t.Errorf("got %v, %s", a.panicked, a.stack)
	}
}
