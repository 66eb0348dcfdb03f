package admin_test

import (
	"context"
	"encoding/json"
	"errors"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/drayhorse/drayhorse"
	"github.com/drayhorse/drayhorse/admin"
	"github.com/drayhorse/drayhorse/internal/redistest"
)

// listen listens until the test ends.
func (y *yard) listen(q admin.EventQuery) *admin.Events {
	y.t.Helper()
	e, err := y.admin.Events(y.t.Context(), q)
	if err != nil {
		y.t.Fatal(err)
	}
	y.t.Cleanup(e.Close)
	return e
}

// next gets events until there are n.
func (y *yard) next(e *admin.Events, n int) (all []*admin.Event) {
	y.t.Helper()
	ctx, cancel := context.WithTimeout(y.t.Context(), redistest.Stretch*10*time.Second)
	defer cancel()
	for len(all) < n {
		some, err := e.Next(ctx)
		if err != nil {
			y.t.Fatalf("%v, after %d events", err, len(all))
		}
		all = append(all, some...)
	}
	return all
}

func TestEventsAreWhatIsAskedFor(t *testing.T) {
	onEach(t, func(t *testing.T, y *yard) {
		listeners := map[string]*admin.Events{}
		for name, q := range map[string]admin.EventQuery{
			"all":          {},
			"queue":        {Queue: "mail"},
			"kind":         {Kind: "k"},
			"types":        {Types: []admin.EventType{admin.EventDiscarded, admin.EventCancelled}},
			"where":        {Where: `queue:mail error:"NO WAY"`},
			"id":           {Where: "id:second"},
			"within queue": {Within: []string{"mail"}},
			"within kind":  {Within: []string{"*/k"}},
			"within none":  {Within: []string{}},
		} {
			listeners[name] = y.listen(q)
		}
		began, tell := y.work("mail")
		y.enqueue("k", drayhorse.Queue("mail"), drayhorse.ID("first"))
		<-began
		tell <- nil
		all := y.next(listeners["all"], 2) // what one job does is told in its order, and jobs beside each other in any
		y.enqueue("k", drayhorse.Queue("mail"), drayhorse.ID("second"))
		<-began
		tell <- drayhorse.Discard(errors.New("there is no way"))
		all = append(all, y.next(listeners["all"], 2)...)
		why := "the relay is down"
		if err := errors.Join(y.admin.Pause(t.Context(), admin.Target{Queue: "mail"}, why), y.admin.As("ann").Resume(t.Context(), admin.Target{Queue: "mail", Kind: "k"}, "")); err != nil {
			t.Fatal(err)
		}
		all = append(all, y.next(listeners["all"], 2)...)
		limit := drayhorse.Limit{Name: "l", Queue: "mail", Kind: "k", Concurrency: 1}
		if err := y.admin.SetLimit(t.Context(), limit, why); err != nil {
			t.Fatal(err)
		}
		all = append(all, y.next(listeners["all"], 1)...)
		const started, completed, discarded, paused, resumed, limited = 0, 1, 3, 4, 5, 6
		if e := all[paused]; e.Type != admin.EventOperator || e.Act != "queue paused" || e.Queue != "mail" || e.Why != why || e.Kind != "" {
			t.Errorf("paused: %+v", e)
		}
		if e := all[resumed]; e.Act != "kind resumed" || e.By != "ann" || e.Kind != "k" {
			t.Errorf("resumed: %+v", e)
		}
		for name, want := range map[string][]int{
			"queue": {started, completed, 2, discarded, paused, resumed, limited}, "kind": {started, completed, 2, discarded, resumed, limited},
			"types": {discarded}, "where": {discarded}, "id": {2, discarded},
			"within queue": {started, completed, 2, discarded, paused, resumed, limited}, "within kind": {started, completed, 2, discarded, resumed, limited},
		} {
			got := y.next(listeners[name], len(want))
			for i, e := range got {
				if e.ID != all[want[i]].ID {
					t.Errorf("%s: %d is %+v; want %+v", name, i, e, all[want[i]])
				}
			}
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if some, err := listeners["within none"].Next(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("within none: %+v, %v", some, err)
		}
		back := y.next(y.listen(admin.EventQuery{After: all[discarded].ID}), 3)
		if !reflect.DeepEqual(back, all[paused:]) {
			t.Errorf("after %s: %+v", all[discarded].ID, back)
		}
		text, err := json.Marshal(all)
		var read []*admin.Event
		if err := errors.Join(err, json.Unmarshal(text, &read)); err != nil || !reflect.DeepEqual(read, all) {
			t.Errorf("%v: %s", err, text)
		}
	})
}

func TestEventsRefuseWhatCannotBe(t *testing.T) {
	t.Parallel()
	y := setup(t, redistest.Shared(t))
	for want, q := range map[string]admin.EventQuery{
		`event "yesterday"; want the ID of one`:             {After: "yesterday"},
		`type "finished" of events; want one of started, c`: {Types: []admin.EventType{"finished"}},
		`queue name: "a/b"`:                                 {Queue: "a/b"},
		`want only queue:, kind:, id: and error: in it`:     {Where: "state:discarded"},
		`want only queue:, kind:`:                           {Where: "args.user:1"},
		`at character 1: "sate" is not known`:               {Where: "sate:x"},
		`the filter says "b"; want one of them`:             {Queue: "a", Where: "queue:b"},
		`"a b"`:                                             {Within: []string{"a b"}},
	} {
		if _, err := y.admin.Events(t.Context(), q); !errors.Is(err, drayhorse.ErrInvalid) || !strings.Contains(err.Error(), want) {
			t.Errorf("%+v: %v; want %s", q, err, want)
		}
	}
}

// TestActsAreToldWithoutAWait: a Redis that does not take them holds up nobody.
func TestActsAreToldWithoutAWait(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t)
	y := setup(t, server.URL)
	y.enqueue("k", drayhorse.ID("a"))
	e := y.listen(admin.EventQuery{})
	for range 3 * 100 {
		if err := y.admin.Pause(t.Context(), admin.Target{Queue: "default"}, ""); err != nil {
			t.Fatal(err)
		}
	}
	told := 0
	for told < 300 {
		for _, event := range y.next(e, 1) {
			if event.Type == admin.EventMissed {
				told += event.Count
			} else {
				told++
			}
		}
	}
}
