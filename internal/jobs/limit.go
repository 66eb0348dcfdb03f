package jobs

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/drayhorse/drayhorse"
	"github.com/drayhorse/drayhorse/internal/redis"
)

// Declared is a limit as a queue has it.
type Declared struct {
	drayhorse.Limit

	Operator bool // it was set by an operator, so that programs do not change it
	Version  int64
	At       time.Time // when it was changed last, by Redis's clock
	By       string    // who changed it
	Why      string

	State     drayhorse.BreakerState // how its breaker stands; empty: it has none
	OpenUntil time.Time              // zero: it is not open
}

// limitDetail is what is stored of a limit for people.
type limitDetail struct {
	Jobs    int               `json:"jobs,omitempty"`
	Per     string            `json:"per,omitempty"`
	Burst   int               `json:"burst,omitempty"`
	Breaker drayhorse.Breaker `json:"breaker,omitzero"`
	By      string            `json:"by,omitempty"`
	Why     string            `json:"why,omitempty"`
}

// SetLimit declares a valid limit, or changes it. One that an operator has set stays as it is
// if it is a program that asks. It gives what holds now.
func (e *Engine) SetLimit(ctx context.Context, limit *drayhorse.Limit, operator bool, by, why string) (*Declared, error) {
	partitions, err := e.limited(ctx, limit)
	if err != nil {
		return nil, err
	}
	d := limitDetail{Jobs: limit.Rate.Jobs, Burst: limit.Rate.Burst, Breaker: limit.Breaker, By: by, Why: why}
	if limit.Rate.Per > 0 {
		d.Per = limit.Rate.Per.String()
	}
	detail, err := json.Marshal(d)
	if err != nil {
		return nil, err
	}
	concurrency, every, burst := limit.Terms()
	terms := fmt.Sprintf("%d,%d,%d", concurrency, every, burst)
	group, breaker := "", ""
	if limit.PerGroup {
		group = "group"
	}
	if rate, least, window, coolDown, probes, ok := limit.Breaker.Terms(); ok {
		breaker = fmt.Sprintf("%d.%d.%d.%d.%d", rate, least, window, coolDown, probes)
	}
	terms = strings.TrimRight(strings.Join([]string{terms, limit.Kind, group, breaker}, ","), ",")
	var now *Declared
	for _, p := range slices.Backward(partitions) { // the first one, which Limits are read from, has those that all have
		value, err := p.run(ctx, limitScript, limit.Name, sourceOf(operator), terms, string(detail))
		if err != nil {
			return nil, err
		}
		reply := asList(value)
		if len(reply) != 2 {
			return nil, fmt.Errorf("limit: unexpected reply %v", value)
		}
		if now, err = p.declared(limit.Name, asString(reply[1])); err != nil {
			return nil, err
		}
	}
	return now, nil
}

func sourceOf(operator bool) string {
	if operator {
		return "operator"
	}
	return "program"
}

// limited gives the partitions that have a limit. All jobs of a group are in one. Another limit would
// not be what it says over several.
func (e *Engine) limited(ctx context.Context, limit *drayhorse.Limit) ([]*Partition, error) {
	partitions, err := e.Queue(ctx, limit.Queue)
	if err != nil {
		return nil, err
	}
	if n := len(partitions); n > 1 && !limit.PerGroup {
		return nil, fmt.Errorf("%w: limit %s: queue %s has %d partitions; want a queue of one, so that the limit holds for all of it, or a limit per group",
			drayhorse.ErrInvalid, limit.Name, limit.Queue, n)
	}
	return partitions, nil
}

// RemoveLimit takes a limit away from the partitions of a queue. The error is drayhorse.ErrNotFound if
// none of them has it.
func RemoveLimit(ctx context.Context, partitions []*Partition, name string) error {
	missing := 0
	for _, p := range slices.Backward(partitions) { // while some may have it, the first one lists it
		_, err := p.run(ctx, limitScript, name, sourceOf(true), "", "")
		if errors.Is(err, drayhorse.ErrNotFound) {
			if missing++; missing < len(partitions) {
				continue
			}
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// Limits gives the limits of partitions, each the first of its queue, in one round trip where Redis
// allows it.
func (e *Engine) Limits(ctx context.Context, partitions ...*Partition) ([]*Declared, error) {
	calls := make([]redis.Call, len(partitions))
	for i, p := range partitions {
		calls[i] = limitsScript.call(p)
	}
	var all []*Declared
	var errs []error
	for i, reply := range e.client.RunAll(ctx, calls) {
		if err := failure("limits", reply.Err); err != nil {
			errs = append(errs, err)
			continue
		}
		parts := asStrings(reply.Value)
		for n := 0; n+2 < len(parts); n += 3 {
			if isPause(parts[n]) {
				continue
			}
			d, err := partitions[i].declared(parts[n], parts[n+1]) //nolint:gosec // see the condition
			d.stand(parts[n+2])
			all, errs = append(all, d), append(errs, err)
		}
	}
	return all, errors.Join(errs...)
}

// declared reads a row of limit.lua.
func (p *Partition) declared(name, row string) (*Declared, error) {
	parts := strings.SplitN(row, "|", 5)
	d := &Declared{Limit: drayhorse.Limit{Name: name, Queue: p.Queue}}
	var detail limitDetail
	if len(parts) != 5 || json.Unmarshal([]byte(parts[4]), &detail) != nil {
		return d, fmt.Errorf("limit %s of queue %s: malformed row %q", name, p.Queue, row)
	}
	d.Operator, d.Version, d.At = parts[0] == sourceOf(true), asInt(parts[1]), asTime(parts[2])
	terms := strings.Split(parts[3], ",")
	d.Concurrency = int(asInt(terms[0]))
	if len(terms) > 3 {
		d.Kind, d.PerGroup = terms[3], len(terms) > 4 && terms[4] != ""
	}
	d.Breaker, d.By, d.Why = detail.Breaker, detail.By, detail.Why
	if detail.Jobs > 0 {
		per, err := time.ParseDuration(detail.Per)
		if err != nil {
			return d, fmt.Errorf("limit %s of queue %s: malformed row %q", name, p.Queue, row)
		}
		d.Rate = drayhorse.Rate{Jobs: detail.Jobs, Per: per, Burst: detail.Burst}
	}
	return d, nil
}

// stand reads how the limit's breaker stands, as the prelude has it. It goes half-open with the next claim.
func (d *Declared) stand(row string) {
	if d.Breaker == (drayhorse.Breaker{}) {
		return
	}
	d.State = drayhorse.BreakerClosed
	state, rest, _ := strings.Cut(row, "|")
	switch state {
	case "o":
		until, _, _ := strings.Cut(rest, "|")
		d.State, d.OpenUntil = drayhorse.BreakerOpen, asTime(until)
	case "h":
		d.State = drayhorse.BreakerHalfOpen
	}
}
