package top

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	goredis "github.com/redis/go-redis/v9"

	"github.com/drayhorse/drayhorse"
	"github.com/drayhorse/drayhorse/admin"
	"github.com/drayhorse/drayhorse/internal/redistest"
	"github.com/drayhorse/drayhorse/producer"
)

// calls counts what a server of its own has run while something was done: scripts, and all
// commands with those that scripts call.
func calls(t *testing.T, client *goredis.Client, do func()) (scripts, all int) {
	t.Helper()
	count := func() (scripts, all int) {
		text, err := client.Info(t.Context(), "commandstats").Result()
		if err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(text) {
			name, rest, ok := strings.Cut(strings.TrimPrefix(line, "cmdstat_"), ":calls=")
			number, _, _ := strings.Cut(rest, ",")
			if n, err := strconv.Atoi(number); ok && err == nil {
				if all += n; name == "evalsha" || name == "eval" {
					scripts += n
				}
			}
		}
		return scripts, all
	}
	scripts, all = count()
	do()
	scriptsNow, allNow := count()
	return scriptsNow - scripts, allNow - all - 1 // count's own
}

// TestAReadingIsBounded: of many queues the first are counted, each by one script, and a view adds
// a few calls more; neither more queues nor more jobs add anything.
func TestAReadingIsBounded(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t)
	d := setupOn(t, server.URL)
	client := server.Client(t)
	fill := func(from, queues, jobs int) {
		var specs []drayhorse.Spec
		for i := range queues + jobs {
			queue := fmt.Sprintf("q%03d", from+i)
			if i >= queues {
				queue = fmt.Sprintf("q%03d", i%3)
			}
			specs = append(specs, drayhorse.Spec{Args: drayhorse.Raw("ok", []byte(`{}`)), Options: []drayhorse.Option{drayhorse.Queue(queue)}})
		}
		p, err := producer.New(producer.Config{RedisURL: d.url, Namespace: d.namespace})
		if err != nil {
			t.Fatal(err)
		}
		for some := range slices.Chunk(specs, 500) {
			_, failed := p.EnqueueMany(t.Context(), some)
			err = errors.Join(err, failed)
		}
		if err = errors.Join(err, p.Close()); err != nil { // what a producer does later is not counted
			t.Fatal(err)
		}
	}
	views := map[key]int{"1": 4, "2": 6, "3": 12, "4": 4, "5": 6, "6": 6, "enter": 12} // scripts beside those of queues
	before := map[key]int{}
	fill(0, 220, 300)
	for round := range 2 {
		d.read() // the first one loads scripts, and looks the server over
		for k, more := range views {
			if d.m.show(2); k != "enter" {
				d.m.press(k)
			} else {
				d.read()
				d.m.press(k)
			}
			d.read()                   // loads scripts that only this view has
			d.r.serversAt = time.Now() // INFO is for another reading
			scripts, all := calls(t, client, d.read)
			t.Logf("view %s: %d scripts, %d commands with theirs", k, scripts, all)
			if k == "6" {
				more += admin.MaxCounted // it looks for limits in each of these
			}
			if scripts < admin.MaxCounted || scripts > admin.MaxCounted+more {
				t.Errorf("view %s: %d scripts; want at most %d", k, scripts, admin.MaxCounted+more)
			}
			if round == 1 && all > before[k]+20 {
				t.Errorf("view %s: %d commands; with fewer queues and jobs they were %d", k, all, before[k])
			}
			before[k] = all
		}
		if round == 0 {
			fill(300, 150, 3000)
			d.r.board = newReader(d.admin).board // which knows the new names
		}
	}
	d.m.show(1)
	d.read()
	d.sees("200 of 370 queues; / finds others")
}

// TestAnOutageIsSaid with since when, beside the last picture; and it is over by itself.
func TestAnOutageIsSaid(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t, redistest.WithAOF())
	d := setupOn(t, server.URL)
	d.enqueue("ok", "a", drayhorse.Queue("mail"))
	d.press("3")
	d.sees("mail", "available")
	server.Kill()
	d.r.within = time.Second
	began := time.Now()
	for range 2 {
		d.m.take(d.r.read(t.Context(), d.m.want()))
		d.sees("as it was at "+d.m.reading.Now.UTC().Format("15:04:05")+", REDIS AWAY for ", "available", "Since "+d.m.awayAt.UTC().Format("15:04:05"))
	}
	if d.m.awayAt.Before(began) || !errors.Is(d.m.away, drayhorse.ErrUnavailable) {
		t.Errorf("away since %v by %v; want since %v", d.m.awayAt, d.m.away, began)
	}
	first := d.m.awayAt
	d.m.take(d.r.read(t.Context(), d.m.want()))
	if d.m.awayAt != first {
		t.Error("each failure begins the outage anew")
	}
	// What is done meanwhile fails, and says so.
	d.m.press("C")
	d.m.press("y")
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	d.m.done(d.m.due().carryOut(ctx, d.admin))
	d.sees("Cancel job a of queue mail (ok): ")
	d.m.press("esc")
	server.Restart()
	d.r.within = readWithin
	redistest.Eventually(t, within, "it is read again", func() bool {
		d.m.take(d.r.read(t.Context(), d.m.want()))
		return d.m.away == nil
	})
	if text := d.screen(80); strings.Contains(text, "AWAY") || strings.Contains(text, "Since ") || strings.Contains(text, "as it was") || !strings.Contains(text, "available") {
		t.Errorf("the outage is over, but\n%s", text)
	}
}

// TestAReadingEnds by its deadline, where Redis takes requests and does not answer.
func TestAReadingEnds(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t)
	d := setupOn(t, server.URL)
	d.read()
	server.Pause()
	defer server.Resume()
	d.r.within = 500 * time.Millisecond
	ended := make(chan answer, 1)
	go func() { ended <- d.r.read(t.Context(), d.m.want()) }()
	select {
	case a := <-ended:
		if !errors.Is(a.err, drayhorse.ErrUnavailable) || !strings.Contains(a.err.Error(), "within 500ms") {
			t.Errorf("it ended with %v", a.err)
		}
	case <-time.After(within * redistest.Stretch):
		t.Fatal("a reading goes on after its deadline")
	}
}
