package chaos

import (
	"context"
	"encoding/json"
	"strconv"
	"time"

	"github.com/drayhorse/drayhorse"
	"github.com/drayhorse/drayhorse/scheduler"
)

// scheduleSource is who declares the schedules of a row.
const scheduleSource = "chaos"

// tickArgs are the arguments of their jobs.
var tickArgs = json.RawMessage(`{"key":"tick"}`)

// schedule is main of a scheduler.
func schedule(ctx context.Context, p *plan, j *journal) error {
	s, err := scheduler.New(scheduler.Config{
		RedisURL: p.URL, Namespace: p.Namespace, Identity: p.Name, Source: scheduleSource, LeaseTTL: p.LeaseTTL, Logger: p.logger(),
	})
	if err != nil {
		return err
	}
	for i := range p.Schedules {
		if err := s.Add(p.schedule(i)); err != nil {
			return err
		}
	}
	go p.watch(ctx, j, s.Ready)
	return s.Run(ctx)
}

// schedule gives the i-th schedule: one that ticks every second, every two, or every
// three.
func (p *plan) schedule(i int) scheduler.Schedule {
	return scheduler.Schedule{
		ID: "every-" + strconv.Itoa(i), Every: time.Duration(1+i%3) * time.Second, Start: p.Start, End: p.End,
		Args:    drayhorse.Raw("tick", tickArgs),
		Options: []drayhorse.Option{drayhorse.Retain(keep), drayhorse.Queue(p.queue(i))}, CatchUp: scheduler.CatchUpAll,
	}
}

// ticks gives the IDs of the jobs of all ticks of the plan.
func (p *plan) ticks() []string {
	var ids []string
	for i := range p.Schedules {
		s := p.schedule(i)
		for at := p.Start.Unix(); at <= p.End.Unix(); at++ {
			if at%int64(s.Every/time.Second) == 0 {
				ids = append(ids, s.ID+"@"+strconv.FormatInt(at*1000, 10))
			}
		}
	}
	return ids
}
