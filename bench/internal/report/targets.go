package report

import (
	"fmt"

	"github.com/drayhorse/drayhorse/bench/internal/measure"
)

// The conditions of a run.
const (
	Near    = "in memory"
	Far     = "1 ms away"
	Durable = "AOF everysec"
)

// target is what Drayhorse's figure must be, as a multiple of another system's.
type target struct {
	condition, name, system string
	atLeast, atMost         float64 // one of them
}

var targets = []target{
	{Near, measure.Drain(100), "asynq", 12, 0},
	{Near, measure.Drain(100), "brpop", 2, 0},
	{Near, measure.Drain(100), "nats", 1.3, 0},
	{Near, measure.Drain(100), "bare", 0.33, 0},
	{Far, measure.Drain(100), "asynq", 60, 0},
	{Near, measure.EnqueueMany, "asynq", 2.5, 0},
	{Near, measure.EnqueueOne, "brpop", 0.9, 0},
	{Near, measure.EnqueueBulk, "brpop", 0.9, 0},
	{Near, measure.LatencyP50, "brpop", 0, 1.5},
	{Near, measure.LatencyP99, "brpop", 0, 1.5},
	{Near, measure.CycleCPU, "asynq", 0, 0.1},
	{Near, measure.Bytes, "asynq", 0, 0.4},
}

// Verdict is how a target stands.
type Verdict struct {
	Name, Target, Measured, Outcome string
}

// verdict judges a ratio against a bound.
func verdict(name, against string, ratio, atLeast, atMost float64, known bool) Verdict {
	v := Verdict{Name: name, Target: fmt.Sprintf("≥ %v × %s", atLeast, against), Measured: "-", Outcome: "not measured"}
	share := ratio / atLeast
	if atMost > 0 {
		v.Target = fmt.Sprintf("≤ %v × %s", atMost, against)
		share = atMost / ratio
	}
	if !known {
		return v
	}
	v.Measured, v.Outcome = fmt.Sprintf("%.2f", ratio), "met"
	if share < 1 {
		v.Outcome = fmt.Sprintf("**not met**: %.0f %% of it", share*100)
	}
	return v
}

// Judge says how the targets stand.
func (p *Peers) Judge() []Verdict {
	var verdicts []Verdict
	for _, t := range targets {
		own, other := p.Values(t.condition, t.name, "drayhorse"), p.Values(t.condition, t.name, t.system)
		known := len(own) > 0 && len(other) > 0 && Median(other) != 0
		ratio := 0.0
		if known {
			ratio = Median(own) / Median(other)
		}
		verdicts = append(verdicts, verdict(t.name+" ("+t.condition+")", t.system, ratio, t.atLeast, t.atMost, known))
	}
	return verdicts
}

// Judge says how the targets of the curves stand.
func (c *Curves) Judge() []Verdict {
	at100k, near := c.value("backlog", "drain", 100_000)
	at10M, far := c.value("backlog", "drain", 10_000_000)
	commands, idle := c.cell("idle", IdleRow)
	asked := verdict("commands that an idle worker of 3 queues sends, 1/s", "", commands, 0, 1, idle)
	asked.Target = "≤ 1"
	return []Verdict{verdict("drain rate with 10M jobs waiting", "that with 100k", at10M/at100k, 0.9, 0, near && far), asked}
}

// IdleRow is the row of the table idle that has a target.
const IdleRow = "commands that workers send, 1/s per worker"

// value is one point of a curve.
func (c *Curves) value(curve, series string, x float64) (float64, bool) {
	for _, cv := range c.Curves {
		for _, s := range cv.Series {
			for _, p := range s.Points {
				if cv.Name == curve && s.Name == series && p.X == x {
					return p.Y, true
				}
			}
		}
	}
	return 0, false
}

// cell is the value of a table that has one a row.
func (c *Curves) cell(table, label string) (float64, bool) {
	for _, t := range c.Tables {
		for _, r := range t.Rows {
			if t.Name == table && r.Label == label {
				return r.Values[0], true
			}
		}
	}
	return 0, false
}
