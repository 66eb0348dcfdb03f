package main

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/drayhorse/drayhorse"
	"github.com/drayhorse/drayhorse/drayhorsetest"
)

// shop notes what was done, and fails the first call of each name that is in failing.
type shop struct {
	done    []string
	failing []string
	gone    bool // nothing can be reserved
}

func (s *shop) do(key string) (string, error) {
	_, name, _ := strings.Cut(key, "/")
	if i := slices.Index(s.failing, name); i >= 0 {
		s.failing = slices.Delete(s.failing, i, i+1)
		return "", errors.New(name + " does not answer")
	}
	if name == "reserve" && s.gone {
		return "", errGone
	}
	s.done = append(s.done, name)
	return name + "-1", nil
}

func (s *shop) Charge(_ context.Context, key string, _ int) (string, error) { return s.do(key) }
func (s *shop) Reserve(_ context.Context, key, _ string) (string, error)    { return s.do(key) }
func (s *shop) Ship(_ context.Context, key, _ string) (string, error)       { return s.do(key) }

func (s *shop) Refund(_ context.Context, key, _ string) error {
	_, err := s.do(key)
	return err
}

func (s *shop) Release(_ context.Context, key, _ string) error {
	_, err := s.do(key)
	return err
}

func TestOrders(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		shop   shop
		packed any // nil: no signal comes
		state  drayhorse.State
		done   string
	}{
		"shipped":                {shop{failing: []string{"charge", "ship"}}, map[string]int{"parcels": 1}, drayhorse.Completed, "charge reserve ship"},
		"gone before it is kept": {shop{gone: true, failing: []string{"refund"}}, nil, drayhorse.Discarded, "charge refund"},
		"gone in the warehouse":  {shop{failing: []string{"release"}}, false, drayhorse.Discarded, "charge reserve release refund"},
		"never packed":           {shop{failing: []string{"refund"}}, nil, drayhorse.Discarded, "charge reserve release refund"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			env := drayhorsetest.New(t)
			w, err := newWorker(env.URL, &c.shop)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := env.Producer.Enqueue(t.Context(), Order{"lamp", 4900}, drayhorse.ID("o7"), drayhorse.Queue("orders"), drayhorse.Retain(240*time.Hour)); err != nil {
				t.Fatal(err)
			}
			env.WorkFor(time.Hour, w)
			if c.packed != nil {
				if err := env.Producer.Signal(t.Context(), "o7", "packed", c.packed); err != nil {
					t.Fatal(err)
				}
			}
			env.WorkFor(72*time.Hour, w)
			info, err := env.Producer.Get(t.Context(), "o7")
			if err != nil {
				t.Fatal(err)
			}
			if got := strings.Join(c.shop.done, " "); info.State != c.state || got != c.done {
				t.Errorf("%v after %s; want %v after %s", info.State, got, c.state, c.done)
			}
		})
	}
}
