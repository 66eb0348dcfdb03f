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

	From     *Partition // of which this is said
	Shared   bool       // partitions share it; see share.go
	Most     int        // of one that is shared, how many jobs may run in this partition, or in those of which it is said
	Burst    int        // likewise, and start at once, if it has a rate
	Operator bool       // it was set by an operator, so that programs do not change it
	Version  int64
	At       time.Time // when it was changed last, by Redis's clock
	By       string    // who changed it
	Why      string

	Running   int       // jobs that count and run; of a limit of each group, or of a kind without Concurrency, not known
	Waiting   int       // jobs that wait, for it or for something else: of its kind those that are aside
	Shut      bool      // it lets no job start
	ShutUntil time.Time // zero: until a job has ended, or a share has come

	State     drayhorse.BreakerState // how its breaker stands; empty: it has none
	OpenUntil time.Time              // zero: it is not open
}

// limitDetail is what is stored of a limit for people.
type limitDetail struct {
	Jobs    int               `json:"jobs,omitempty"`
	Per     string            `json:"per,omitempty"`
	Burst   int               `json:"burst,omitempty"`
	All     bool              `json:"all,omitempty"` // it is of all queues
	Breaker drayhorse.Breaker `json:"breaker,omitzero"`
	By      string            `json:"by,omitempty"`
	Why     string            `json:"why,omitempty"`
}

// SetLimit declares a valid limit, or changes it, in each partition of its queue by itself. One that an operator has
// set stays as it is if it is a program that asks. It gives what holds now.
func (e *Engine) SetLimit(ctx context.Context, limit *drayhorse.Limit, operator bool, by, why string) (*Declared, error) {
	partitions, err := e.Queue(ctx, limit.Queue)
	if err != nil {
		return nil, err
	}
	args, err := LimitArgs(limit, false, operator, by, why)
	if err != nil {
		return nil, err
	}
	var now *Declared
	for _, p := range slices.Backward(partitions) { // the first one, which Limits are read from, has those that all have
		value, err := p.run(ctx, limitScript, args...)
		if err != nil {
			return nil, err
		}
		reply := asList(value)
		if len(reply) != 2 {
			return nil, fmt.Errorf("limit: unexpected reply %v", value)
		}
		if now, err = ReadLimit(limit.Name, p.Queue, asString(reply[1])); err != nil {
			return nil, err
		}
	}
	return now, nil
}

// LimitArgs are those of limit.lua: name, source, terms and detail of a valid limit. shared: partitions share it.
func LimitArgs(limit *drayhorse.Limit, shared, operator bool, by, why string) ([]any, error) {
	d := limitDetail{Jobs: limit.Rate.Jobs, Burst: limit.Rate.Burst, All: limit.Queue == "", Breaker: limit.Breaker, By: by, Why: why}
	if limit.Rate.Per > 0 {
		d.Per = limit.Rate.Per.String()
	}
	detail, err := json.Marshal(d)
	if err != nil {
		return nil, err
	}
	concurrency, every, burst := limit.Terms()
	holds, breaker := "", ""
	switch {
	case shared:
		holds = "share"
	case limit.PerGroup:
		holds = "group"
	}
	if rate, least, window, coolDown, probes, ok := limit.Breaker.Terms(); ok {
		breaker = fmt.Sprintf("%d.%d.%d.%d.%d", rate, least, window, coolDown, probes)
	}
	terms := strings.Join([]string{fmt.Sprintf("%d,%d,%d", concurrency, every, burst), limit.Kind, holds, breaker}, ",")
	return []any{limit.Name, sourceOf(operator), strings.TrimRight(terms, ","), string(detail)}, nil
}

func sourceOf(operator bool) string {
	if operator {
		return "operator"
	}
	return "program"
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

// CloseBreaker closes the breaker of a limit in partitions, as if it had never opened.
func (e *Engine) CloseBreaker(ctx context.Context, partitions []*Partition, name string) error {
	return e.onEach(ctx, limitScript, partitions, name, "close", "", "")
}

// Limits gives the limits of partitions, in one round trip where Redis allows it. One that is of each group, or of a queue
// with one partition, is in the first; one that is shared is in each that shares it.
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
		parts, shares := asStrings(reply.Value), map[string]string{}
		for n := 0; n+5 < len(parts); n += 6 {
			if name, ok := strings.CutPrefix(parts[n], "="); ok {
				shares[name] = parts[n+1] //nolint:gosec // see the condition
			}
		}
		for n := 0; n+5 < len(parts); n += 6 {
			if !isLimit(parts[n]) {
				continue
			}
			d, err := ReadLimit(parts[n], partitions[i].Queue, parts[n+1]) //nolint:gosec // see the condition
			d.stand(parts[n+2])
			d.From = partitions[i]
			d.Running, d.Waiting = int(asInt(parts[n+3])), int(asInt(parts[n+4]))
			if opens := asInt(parts[n+5]); opens > 0 {
				d.Shut = true
				if opens < far {
					d.ShutUntil = asTime(parts[n+5])
				}
			}
			if share := strings.Split(shares[d.Name], "|"); len(share) == 4 {
				d.Most, d.Burst = int(asInt(share[1])), int(asInt(share[2]))
			}
			all = append(all, d)
			if err != nil {
				errs = append(errs, err)
			}
		}
	}
	return all, several(errs)
}

// limitsAtOnce is of how many partitions limits are read in one round trip.
const limitsAtOnce = 256

// LimitsOf gives the limits of queues, each with its partitions: each limit once, but one that is shared for each partition
// that shares it.
func (e *Engine) LimitsOf(ctx context.Context, queues ...[]*Partition) ([]*Declared, error) {
	var first, others []*Partition
	for _, partitions := range queues {
		first = append(first, partitions[0])
	}
	all, err := e.limitsIn(ctx, first)
	if err != nil {
		return nil, err
	}
	shared := map[string]bool{} // by queue
	for _, d := range all {
		shared[d.From.Queue] = shared[d.From.Queue] || d.Shared
	}
	for _, partitions := range queues {
		if shared[partitions[0].Queue] {
			others = append(others, partitions[1:]...)
		}
	}
	more, err := e.limitsIn(ctx, others)
	return append(all, slices.DeleteFunc(more, func(d *Declared) bool { return !d.Shared })...), err
}

// limitsIn gives the limits of any number of partitions.
func (e *Engine) limitsIn(ctx context.Context, partitions []*Partition) (all []*Declared, err error) {
	for some := range slices.Chunk(partitions, limitsAtOnce) {
		declared, err := e.Limits(ctx, some...)
		if err != nil {
			return nil, err
		}
		all = append(all, declared...)
	}
	return all, nil
}

// isLimit says whether a field of limits is the name of one, and not what pause.lua or share.lua have written.
func isLimit(field string) bool {
	return !strings.HasPrefix(field, "@") && !strings.HasPrefix(field, "=")
}

// ReadLimit reads a row of a limit, as limit.lua has it.
func ReadLimit(name, queue, row string) (*Declared, error) {
	parts := strings.SplitN(row, "|", 5)
	d := &Declared{Limit: drayhorse.Limit{Name: name, Queue: queue}}
	var detail limitDetail
	if len(parts) != 5 || json.Unmarshal([]byte(parts[4]), &detail) != nil {
		return d, fmt.Errorf("limit %s of queue %s: malformed row %q", name, queue, row)
	}
	d.Operator, d.Version, d.At = parts[0] == sourceOf(true), asInt(parts[1]), asTime(parts[2])
	terms := strings.Split(parts[3], ",")
	d.Concurrency = int(asInt(terms[0]))
	if len(terms) > 3 {
		d.Kind = terms[3]
	}
	if len(terms) > 4 {
		d.PerGroup, d.Shared = terms[4] == "group", terms[4] == "share"
	}
	d.Breaker, d.By, d.Why = detail.Breaker, detail.By, detail.Why
	if detail.All {
		d.Queue = ""
	}
	if detail.Jobs > 0 {
		per, err := time.ParseDuration(detail.Per)
		if err != nil {
			return d, fmt.Errorf("limit %s of queue %s: malformed row %q", name, queue, row)
		}
		d.Rate = drayhorse.Rate{Jobs: detail.Jobs, Per: per, Burst: detail.Burst}
	}
	return d, nil
}

// far is FAR of the prelude.
const far = 1e15

// Add takes in how a limit that is shared stands in a partition: it is shut where jobs wait for it in one that lets none
// start.
func (d *Declared) Add(part *Declared) {
	d.Most, d.Burst = d.Most+part.Most, d.Burst+part.Burst
	d.Running, d.Waiting = d.Running+part.Running, d.Waiting+part.Waiting
	if part.Shut && part.Waiting > 0 {
		d.Shut, d.ShutUntil = true, part.ShutUntil
	}
	severity := map[drayhorse.BreakerState]int{drayhorse.BreakerClosed: 1, drayhorse.BreakerHalfOpen: 2, drayhorse.BreakerOpen: 3}
	if severity[part.State] > severity[d.State] || part.OpenUntil.After(d.OpenUntil) {
		d.State, d.OpenUntil = part.State, part.OpenUntil
	}
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
