package drayhorsetest_test

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/drayhorse/drayhorse"
	"github.com/drayhorse/drayhorse/drayhorsetest"
	"github.com/drayhorse/drayhorse/worker"
)

type order struct {
	ID       string            `json:"id"`
	Items    []item            `json:"items"`
	Ship     address           `json:"ship"`
	Billing  *address          `json:"billing,omitempty"`
	Paid     bool              `json:"paid"`
	Due      time.Time         `json:"due"`
	Notes    map[string]string `json:"notes,omitempty"`
	Discount *float64          `json:"discount,omitempty"`
}

type item struct {
	SKU   string `json:"sku"`
	Count int    `json:"count"`
}

type address struct {
	City string `json:"city"`
	Zip  string `json:"zip"`
}

func (order) Kind() string { return "order" }

func TestPartialArguments(t *testing.T) {
	t.Parallel()
	env := drayhorsetest.New(t)
	due := time.Date(2027, 1, 2, 3, 4, 5, 0, time.FixedZone("", 3600))
	zero := 0.0
	enqueue(t, env, order{
		ID: "o-1", Items: []item{{"bolt", 3}, {"nut", 0}}, Ship: address{"Oslo", "0150"}, Billing: &address{City: "Rome"},
		Due: due, Notes: map[string]string{"a": "1", "b": "2"}, Discount: &zero,
	})
	for _, same := range []drayhorse.Args{
		order{},
		&order{},
		order{ID: "o-1", Ship: address{Zip: "0150"}},
		order{Items: []item{{SKU: "bolt"}, {SKU: "nut"}}},
		order{Billing: &address{City: "Rome"}},
		order{Due: due.UTC()},
		order{Notes: map[string]string{"b": "2"}},
		order{Discount: &zero},
		drayhorse.Raw("order", json.RawMessage(`{"ship":{"city":"Oslo"},"discount":0.00}`)),
	} {
		if info := drayhorsetest.RequireEnqueued(t, env, same); info == nil || info.Kind != "order" {
			t.Errorf("%+v: %+v", same, info)
		}
	}
	one := 1.0
	for path, other := range map[string]drayhorse.Args{
		`args.ship.zip      want "0151", got "0150"`:                                  order{Ship: address{Zip: "0151"}},
		`args.items[1].sku  want "bolt", got "nut"`:                                   order{Items: []item{{SKU: "bolt"}, {SKU: "bolt"}}},
		`args.items  want [{"count":0,"sku":"bolt"}], got [{"count":3,"sku":"bolt"}`:  order{Items: []item{{SKU: "bolt"}}},
		`args.paid  want true, got false`:                                             order{Paid: true},
		`args.notes.c  want "3", got nothing`:                                         order{Notes: map[string]string{"c": "3"}},
		`args.discount  want 1, got 0`:                                                order{Discount: &one},
		`args.billing.zip  want "1", got ""`:                                          order{Billing: &address{Zip: "1"}},
		`args.due  want "2027-01-02T03:04:06+01:00", got "2027-01-02T03:04:05+01:00"`: order{Due: due.Add(time.Second)},
		`args.paid  want 0, got false`:                                                drayhorse.Raw("order", json.RawMessage(`{"paid":0}`)),
		`args.id  want "", got "o-1"`:                                                 drayhorse.Raw("order", json.RawMessage(`{"id":""}`)),
	} {
		said := fails(t, func(tb testing.TB) { drayhorsetest.RequireEnqueued(tb, env, other) })
		if !strings.Contains(strings.Join(strings.Fields(said), " "), strings.Join(strings.Fields(path), " ")) {
			t.Errorf("%+v: it says\n%s\nwant %s", other, said, path)
		}
	}
}

func TestOptions(t *testing.T) {
	t.Parallel()
	env := drayhorsetest.New(t)
	at := env.Now().Add(48 * time.Hour)
	enqueue(t, env, welcome{UserID: 1}, drayhorse.Queue("mail"), drayhorse.In(time.Hour), drayhorse.MaxAttempts(3),
		drayhorse.Timeout(time.Second), drayhorse.Retain(time.Minute), drayhorse.ID("w-1"))
	enqueue(t, env, welcome{UserID: 2}, drayhorse.At(at))
	env.Advance(time.Minute)
	for _, o := range []drayhorse.Option{
		drayhorse.Queue("mail"), drayhorse.In(time.Hour), drayhorse.MaxAttempts(3), drayhorse.Timeout(time.Second),
		drayhorse.Retain(time.Minute), drayhorse.ID("w-1"), drayhorse.At(env.Now().Add(59 * time.Minute)),
	} {
		if info := drayhorsetest.RequireEnqueued(t, env, welcome{}, o); info.ID != "w-1" {
			t.Errorf("found %+v", info)
		}
	}
	drayhorsetest.RequireEnqueued(t, env, welcome{}, drayhorse.At(at))
	drayhorsetest.RequireNone[welcome](t, env, drayhorse.Queue("default"), drayhorse.In(time.Hour))
	said := fails(t, func(tb testing.TB) {
		drayhorsetest.RequireEnqueued(tb, env, welcome{}, drayhorse.Durable(1))
	})
	if !strings.Contains(said, "cannot be required") {
		t.Errorf("of an option that is not kept it says %s", said)
	}
}

func TestFailuresAreReadable(t *testing.T) {
	t.Parallel()
	env := drayhorsetest.New(t, drayhorsetest.StartAt(time.Date(2027, 1, 1, 0, 0, 0, 0, time.UTC)))
	require := func(args drayhorse.Args, options ...drayhorse.Option) string {
		t.Helper()
		return fails(t, func(tb testing.TB) { drayhorsetest.RequireEnqueued(tb, env, args, options...) })
	}
	says(t, require(welcome{UserID: 42}, drayhorse.Queue("mail")), nil, `
drayhorsetest: no job of kind "welcome" is enqueued
    want  welcome {"user_id":42}  queue "mail"
  no job is`)

	ids := map[string]string{
		enqueue(t, env, nightly{}).ID: "ID-1",
		enqueue(t, env, welcome{UserID: 41, Plan: "free"}, drayhorse.Queue("mail")).ID: "ID-2",
		enqueue(t, env, welcome{UserID: 40}, drayhorse.In(time.Hour)).ID:               "ID-3",
	}
	says(t, require(order{ID: "1"}), ids, `
drayhorsetest: no job of kind "order" is enqueued
    want  order {"id":"1","items":null,"ship":{"city":"","zip":""},"paid":false,"due":"0001-01-01T00:00:00Z"}
  enqueued are: nightly (1), welcome (2)`)
	says(t, require(welcome{UserID: 42}, drayhorse.Queue("mail"), drayhorse.In(10*time.Minute)), ids, `
drayhorsetest: no job is enqueued as required
    want  welcome {"user_id":42}  queue "mail"  in 10m0s
  of kind "welcome" there are 2 jobs, the closest first
    ID-2  available in queue "mail"  {"user_id":41,"plan":"free"}
        args.user_id  want 42, got 41
        in            want 10m0s, got 0s
    ID-3  scheduled in queue "default"  {"user_id":40}
        args.user_id  want 42, got 40
        queue         want "mail", got "default"
        in            want 10m0s, got 1h0m0s`)

	ids[enqueue(t, env, welcome{UserID: 41}, drayhorse.Queue("mail")).ID] = "ID-4"
	says(t, require(welcome{UserID: 41}), ids, `
drayhorsetest: 2 jobs of kind "welcome" are enqueued as required; want 1
    want  {"user_id":41}
    ID-2  available in queue "mail"  {"user_id":41,"plan":"free"}
    ID-4  available in queue "mail"  {"user_id":41}`)
	says(t, fails(t, func(tb testing.TB) { drayhorsetest.RequireNone[nightly](tb, env) }), ids, `
drayhorsetest: 1 job of kind "nightly" is enqueued; want none
    ID-1  available in queue "default"  {}`)

	w := newWorker(t, env)
	worker.Handle(w, func(context.Context, *drayhorse.Job[nightly]) error { return drayhorse.Discard(errors.New("no moon")) })
	env.Work(w)
	says(t, require(nightly{}), ids, `
drayhorsetest: no job of kind "nightly" is enqueued
    want  nightly {}
  enqueued are: welcome (3)
  Work has run
    nightly ID-1: discarded: no moon`)
	drayhorsetest.RequireNone[nightly](t, env)
	drayhorsetest.RequireNone[*order](t, env)
	if all := drayhorsetest.Enqueued[welcome](t, env); len(all) != 3 {
		t.Errorf("enqueued: %d", len(all))
	}
}

func TestLongListsAreCut(t *testing.T) {
	t.Parallel()
	env := drayhorsetest.New(t)
	var specs []drayhorse.Spec
	for n := range 250 {
		specs = append(specs, drayhorse.Spec{Args: welcome{UserID: int64(n), Plan: strings.Repeat("x", 5000)}})
	}
	if _, err := env.Producer.EnqueueMany(t.Context(), specs); err != nil {
		t.Fatal(err)
	}
	said := fails(t, func(tb testing.TB) { drayhorsetest.RequireEnqueued(tb, env, welcome{UserID: 1000}) })
	if len(said) > 3000 || !strings.HasSuffix(said, "and 245 more") {
		t.Errorf("it says %d bytes, at the end %q", len(said), said[max(len(said)-60, 0):])
	}
	drayhorsetest.RequireEnqueued(t, env, welcome{UserID: 249})
}
