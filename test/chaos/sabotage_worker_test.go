package chaos

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	goredis "github.com/redis/go-redis/v9"

	"github.com/drayhorse/drayhorse"
	"github.com/drayhorse/drayhorse/internal/jobs"
	"github.com/drayhorse/drayhorse/internal/redis"
)

// bug is something that a process does wrong on purpose.
type bug string

const (
	// barePop takes a job out of line and leaves no trace of it until it is done.
	barePop bug = "bare pop"
	// tokenless claims a job as it should, and ends it without a look at whether it is
	// still its own.
	tokenless bug = "finish without token"
)

// rogue is a worker with a bug, that goes past the engine.
type rogue struct {
	bug    bug
	client *redis.Client
	bench  *bench
	prefix string // of the queue's keys
}

// serve is main of a rogue.
func (b bug) serve(ctx context.Context, p *plan, j *journal) error {
	client, err := redis.Open(redis.Config{URL: p.URL})
	if err != nil {
		return err
	}
	defer func() { _ = client.Close() }()
	w := &rogue{b, client, &bench{name: p.Name, hands: hands{p.Dir}, journal: j}, p.Namespace + ":{default}:"}
	if err := p.ready(); err != nil {
		return err
	}
	for ctx.Err() == nil {
		id, err := client.RPop(ctx, w.prefix+"ready").Result()
		if err == nil {
			err = w.job(context.WithoutCancel(ctx), id)
		}
		if err != nil && !errors.Is(err, goredis.Nil) && ctx.Err() == nil {
			return err
		}
		time.Sleep(10 * time.Millisecond)
	}
	return nil
}

// job takes a job out of line to its end.
func (w *rogue) job(ctx context.Context, id string) error {
	text, err := w.client.HGet(ctx, w.prefix+"jobs", id).Result()
	if err != nil {
		return err
	}
	envelope, err := jobs.DecodeEnvelope(text)
	if err != nil {
		return err
	}
	if w.bug == barePop {
		w.client.HDel(ctx, w.prefix+"jobs", id)
	} else {
		w.client.HSet(ctx, w.prefix+"running", id, w.bench.name+":1")
		w.client.ZAdd(ctx, w.prefix+"leases", goredis.Z{Score: float64(time.Now().UnixMilli()), Member: w.bench.name})
	}
	k, _ := kindOf(envelope.Kind)
	job := &drayhorse.Job[json.RawMessage]{ID: jobs.UnpackID(id), Kind: envelope.Kind, Args: envelope.Args, Attempt: 1}
	if err := w.bench.run(ctx, k, job); err != nil || w.bug == barePop {
		return err
	}
	result := fmt.Sprintf("%q", fmt.Sprintf("%s#%d", w.bench.name, w.bench.count.Load()))
	record := fmt.Sprintf("completed|%d|0|0|%d|0|%s%s", time.Now().UnixMilli(), len(result), result, text)
	w.client.HSet(ctx, w.prefix+"archive", id, record)
	return w.client.HIncrBy(ctx, w.prefix+"stats", "completed", 1).Err()
}
