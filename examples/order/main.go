// Command order is a worker whose handler takes an order through systems that know no common
// transaction: it charges, reserves, waits for the warehouse and ships. What was done is undone,
// step by step and once, when a later step cannot be.
//
//	go run ./examples/order -id order-7
//	go run ./cmd/drayhorse jobs signal order-7 packed '{"parcels":1}'     # or false, or wait
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"log"
	"log/slog"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/drayhorse/drayhorse"
	"github.com/drayhorse/drayhorse/producer"
	"github.com/drayhorse/drayhorse/step"
	"github.com/drayhorse/drayhorse/worker"
)

// Order is what somebody has bought.
type Order struct {
	Item  string `json:"item"`
	Cents int    `json:"cents"`
}

// Kind names the handler.
func (Order) Kind() string { return "order" }

// Shop is the systems that an order goes through. Each call has a key, by which a second one is
// known: a worker may die between a call and the note of it.
type Shop interface {
	Charge(ctx context.Context, key string, cents int) (charge string, err error)
	Refund(ctx context.Context, key, charge string) error
	Reserve(ctx context.Context, key, item string) (place string, err error)
	Release(ctx context.Context, key, place string) error
	Ship(ctx context.Context, key, place string) (tracking string, err error)
}

// errGone is a Shop's error that trying again does not mend.
var errGone = errors.New("the item is gone")

// Handler takes orders through a shop.
type Handler struct{ Shop Shop }

// Handle takes an order through, or undoes what was done.
func (h *Handler) Handle(ctx context.Context, job *drayhorse.Job[Order]) error {
	var undo []func() error // in the order in which it was done
	tracking, err := h.take(ctx, job, &undo)
	if err == nil {
		return job.SetResult(tracking)
	}
	if !errors.Is(err, errGone) && !errors.Is(err, step.ErrTimeout) {
		return err // it sleeps, or is to be tried again
	}
	for n := len(undo) - 1; n >= 0; n-- {
		if err := undo[n](); err != nil {
			return err // the next attempt goes on with undoing
		}
	}
	return drayhorse.Discard(fmt.Errorf("undone: %w", err))
}

// take is the way forward.
func (h *Handler) take(ctx context.Context, job *drayhorse.Job[Order], undo *[]func() error) (tracking string, err error) {
	key := func(name string) string { return job.ID + "/" + name }
	charge, err := step.Run(ctx, "charge", func(ctx context.Context) (string, error) {
		return h.Shop.Charge(ctx, key("charge"), job.Args.Cents)
	})
	if err != nil {
		return "", err
	}
	*undo = append(*undo, func() error {
		return once(ctx, "refund", func(ctx context.Context) error { return h.Shop.Refund(ctx, key("refund"), charge) })
	})
	place, err := step.Run(ctx, "reserve", func(ctx context.Context) (string, error) {
		return h.Shop.Reserve(ctx, key("reserve"), job.Args.Item)
	})
	if err != nil {
		return "", err
	}
	*undo = append(*undo, func() error {
		return once(ctx, "release", func(ctx context.Context) error { return h.Shop.Release(ctx, key("release"), place) })
	})
	packed, err := step.WaitSignal[json.RawMessage](ctx, "packed", 48*time.Hour)
	if err != nil {
		return "", err
	}
	if string(packed) == "false" {
		return "", errGone
	}
	return step.Run(ctx, "ship", func(ctx context.Context) (string, error) {
		return h.Shop.Ship(ctx, key("ship"), place)
	})
}

// once is a step that comes to nothing but its success.
func once(ctx context.Context, name string, do func(ctx context.Context) error) error {
	_, err := step.Run(ctx, name, func(ctx context.Context) (struct{}, error) { return struct{}{}, do(ctx) })
	return err
}

// loud is a shop that says what it does.
type loud struct{}

func (loud) say(key string) (string, error) {
	fmt.Println(key)
	return key, nil
}

func (l loud) Charge(_ context.Context, key string, _ int) (string, error) { return l.say(key) }
func (l loud) Reserve(_ context.Context, key, _ string) (string, error)    { return l.say(key) }
func (l loud) Ship(_ context.Context, key, _ string) (string, error)       { return l.say(key) }
func (l loud) Refund(_ context.Context, key, _ string) error               { _, err := l.say(key); return err }
func (l loud) Release(_ context.Context, key, _ string) error              { _, err := l.say(key); return err }

func newWorker(redisURL string, shop Shop) (*worker.Worker, error) {
	w, err := worker.New(worker.Config{
		RedisURL: redisURL, Queues: map[string]int{"orders": 1},
		Logger: slog.New(slog.NewTextHandler(os.Stderr, nil)),
	})
	if err == nil {
		worker.Handle(w, (&Handler{shop}).Handle)
	}
	return w, err
}

func main() {
	redisURL := flag.String("redis", "redis://127.0.0.1:6379/0", "where Redis is")
	id := flag.String("id", "order-7", "the order's ID; the same again goes on with it")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	err := run(ctx, *redisURL, *id)
	stop()
	if err != nil {
		log.Fatal(err)
	}
}

// run takes one order through.
func run(ctx context.Context, redisURL, id string) error {
	p, err := producer.New(producer.Config{RedisURL: redisURL})
	if err != nil {
		return err
	}
	defer p.Close()
	w, err := newWorker(redisURL, loud{})
	if err != nil {
		return err
	}
	if _, err := p.Enqueue(ctx, Order{Item: "lamp", Cents: 4900}, drayhorse.ID(id), drayhorse.Queue("orders"), drayhorse.Retain(time.Hour)); err != nil {
		return err
	}
	working, stop := context.WithCancel(ctx)
	done := make(chan error, 1)
	go func() { done <- w.Run(working) }()
	ended, err := p.Wait(ctx, id, drayhorse.Queue("orders"))
	stop()
	if err := errors.Join(err, <-done); err != nil {
		return err
	}
	fmt.Println(ended.State, string(ended.Result))
	return nil
}
