package admin

import (
	"cmp"
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/drayhorse/drayhorse"
	"github.com/drayhorse/drayhorse/internal/filter"
	"github.com/drayhorse/drayhorse/internal/jobs"
	"github.com/drayhorse/drayhorse/internal/scope"
)

// DefaultLimit is the size of a page where the Filter has none, and MaxLimit the
// largest.
const (
	DefaultLimit = 50
	MaxLimit     = 1000
)

// maxLooked is how many jobs a page looks at, so that one that finds few of a rare
// kind takes a bounded time.
const maxLooked = 5000

// lookFor is for how long it goes on looking while it has found nothing.
const lookFor = 500 * time.Millisecond

// callCost is as how many jobs a call counts that gives fewer: many partitions have none.
const callCost = 25

// Filter says which jobs are listed. The zero value is all jobs.
type Filter struct {
	Queue string          // empty: all queues
	State drayhorse.State // empty: all states
	Kind  string          // empty: all kinds; with one, pages may come short
	// Where says it in words, such as `state:discarded kind:mail error:"timeout" before:2h`;
	// docs/dashboard.md has them all. Empty: all jobs; with more than a queue and a state,
	// pages may come short.
	Where string
	// Within are entries QUEUE or QUEUE/KIND, * for all queues or kinds, of which a job has to
	// meet one. nil: all jobs. Lists take it; counts and actions do not.
	Within []string
	Limit  int    // of the page; 0: DefaultLimit
	Cursor string // Page.Next of the page before; empty: the first page
}

// Page is a part of a list.
type Page struct {
	Jobs []*drayhorse.Info `json:"jobs"`
	// Next is the Cursor of the next page; empty after the last.
	Next string `json:"next,omitempty"`
	// Looked is how many jobs were looked at for it.
	Looked int `json:"looked"`
}

// Validate reports the first impossible value, as drayhorse.ErrInvalid.
func (f *Filter) Validate() error {
	if f.Queue != "" {
		if err := drayhorse.ValidateQueue(f.Queue); err != nil {
			return err
		}
	}
	if f.State != "" {
		if err := validateState(f.State); err != nil {
			return err
		}
	}
	if f.Kind != "" {
		if err := drayhorse.ValidateKind(f.Kind); err != nil {
			return err
		}
	}
	if err := scope.Scope(f.Within).Validate(); err != nil {
		return err
	}
	if f.Limit < 0 || f.Limit > MaxLimit {
		return fmt.Errorf("%w: a page of %d jobs; want 1 to %d", drayhorse.ErrInvalid, f.Limit, MaxLimit)
	}
	return nil
}

func validateState(s drayhorse.State) error {
	if !slices.Contains(drayhorse.States(), s) {
		return fmt.Errorf("%w: state %q; want %s", drayhorse.ErrInvalid, s, jobs.Either(drayhorse.States()))
	}
	return nil
}

// Jobs gives a page of jobs: queue by queue in the order of their names, in each
// state by state in the order of a job's life, and in each partition what waits in
// the order in which it will run and what ended latest first. Jobs that move
// between two pages may be passed over or come twice. A page may come short, or
// empty, before the last one, and may have some more jobs than Limit where it
// lists running ones. The error is drayhorse.ErrInvalid, ErrNotFound for the
// queue, or ErrUnavailable.
func (a *Admin) Jobs(ctx context.Context, f Filter) (*Page, error) {
	if err := f.Validate(); err != nil {
		return nil, err
	}
	if f.Limit == 0 {
		f.Limit = DefaultLimit
	}
	where, err := f.where(a.client.Now())
	if err != nil {
		return nil, err
	}
	at, err := parsePosition(f.Cursor)
	if err != nil {
		return nil, err
	}
	queues, err := a.queues(ctx, f.Queue)
	if err != nil {
		return nil, err
	}
	within := scope.Scope(f.Within)
	if within != nil {
		queues = slices.DeleteFunc(queues, func(parts []*jobs.Partition) bool { return len(parts) == 0 || !within.HasQueue(parts[0].Queue) })
	}
	matches := func(info *drayhorse.Info) bool {
		return where.Matches(info) && (within == nil || within.Has(info.Queue, info.Kind))
	}
	if within == nil && where.OnlyPlaces() {
		matches = nil
	}
	page := &Page{Jobs: []*drayhorse.Info{}}
	began, cost := time.Now(), 0
	for len(page.Jobs) < f.Limit && (cost < maxLooked || len(page.Jobs) == 0 && time.Since(began) < lookFor) {
		part, state := at.settle(queues, f.State)
		if part == nil {
			return page, nil
		}
		found, next, n, err := listed(ctx, part, state, at.Inner, f.Limit-len(page.Jobs), matches)
		if err != nil {
			return nil, err
		}
		page.Looked, cost = page.Looked+n, cost+max(n, callCost)
		page.Jobs = append(page.Jobs, found...)
		if at.Inner = next; next == "" {
			at.Partition++
		}
	}
	if part, _ := at.settle(queues, f.State); part != nil {
		page.Next = at.String()
	}
	return page, nil
}

// listed gives the next jobs of a partition that match (nil: all do), room of them at most but
// where it lists running ones, the cursor behind them, and how many it looked at. Where jobs
// are to be found among others it looks at many at once: the last place of a page may be that
// of a rare one. Where they turn out to be more than there is room for, it looks again at
// fewer, since a cursor stands between what was asked for.
func listed(ctx context.Context, part *jobs.Partition, state drayhorse.State, cursor string, room int, matches func(*drayhorse.Info) bool) (found []*drayhorse.Info, next string, looked int, err error) {
	want := min(room, jobs.MaxPage)
	if matches != nil {
		want = jobs.MaxPage
	}
	for ; ; want = max(want/2, room) {
		if found, next, err = part.List(ctx, state, cursor, want); err != nil {
			return nil, "", looked, err
		}
		looked += len(found)
		if matches != nil {
			found = slices.DeleteFunc(found, func(info *drayhorse.Info) bool { return !matches(info) })
		}
		if len(found) <= room || want <= room {
			return found, next, looked, nil
		}
	}
}

// where gives all that a job has to meet, and takes the queue and the state that Where
// names for those of the filter.
func (f *Filter) where(now time.Time) (*filter.Filter, error) {
	where, err := filter.Parse(f.Where, now)
	if err != nil {
		return nil, err
	}
	for _, one := range []struct {
		name   string
		field  *string
		inText *string
	}{{"queue", &f.Queue, &where.Queue}, {"state", (*string)(&f.State), (*string)(&where.State)}, {"kind", &f.Kind, &where.Kind}} {
		if *one.field != "" && *one.inText != "" && *one.field != *one.inText {
			return nil, fmt.Errorf("%w: %s %q, and the filter says %q; want one of them", drayhorse.ErrInvalid, one.name, *one.field, *one.inText)
		}
		*one.field = cmp.Or(*one.field, *one.inText)
		*one.inText = *one.field
	}
	return where, nil
}

// Latest gives jobs of a queue that ended in a state: of each partition at most
// limit (1 to 100), those that are kept longest, which are the latest where all are
// kept for the same time. The error is drayhorse.ErrInvalid, ErrNotFound for the
// queue, or ErrUnavailable.
func (a *Admin) Latest(ctx context.Context, queue string, state drayhorse.State, limit int) ([]*drayhorse.Info, error) {
	if !state.Ended() {
		return nil, fmt.Errorf("%w: the latest jobs of state %q; want completed, cancelled or discarded", drayhorse.ErrInvalid, state)
	}
	partitions, err := a.queue(ctx, queue)
	if err != nil {
		return nil, err
	}
	var latest []*drayhorse.Info
	for _, p := range partitions {
		infos, _, err := p.List(ctx, state, "", limit)
		if err != nil {
			return nil, err
		}
		latest = append(latest, infos...)
	}
	return latest, nil
}

// position is where a list goes on.
type position struct {
	Queue     string          `json:"q"`
	State     drayhorse.State `json:"s"`
	Partition int             `json:"p"`
	Inner     string          `json:"c"` // the partition's own cursor
}

// settle gives what the position points to, and moves it on where that is over:
// to the next state, to the next queue. nil: the list is over.
func (at *position) settle(queues [][]*jobs.Partition, only drayhorse.State) (*jobs.Partition, drayhorse.State) {
	for _, partitions := range queues {
		name := partitions[0].Queue
		if name < at.Queue {
			continue
		}
		if name > at.Queue { // begin with it
			*at = position{Queue: name, State: firstState(only)}
		}
		for at.State != "" {
			if at.Partition < len(partitions) {
				return partitions[at.Partition], at.State
			}
			at.State, at.Partition, at.Inner = stateAfter(at.State, only), 0, ""
		}
	}
	return nil, ""
}

func firstState(only drayhorse.State) drayhorse.State {
	if only != "" {
		return only
	}
	return drayhorse.States()[0]
}

// stateAfter gives "" after the last.
func stateAfter(s, only drayhorse.State) drayhorse.State {
	all := drayhorse.States()
	i := slices.Index(all, s) + 1
	if only != "" || i == len(all) {
		return ""
	}
	return all[i]
}

// String gives the position as a cursor. Its content is nobody's business.
func (at *position) String() string {
	text, _ := json.Marshal(at) // strings and a number: it cannot fail
	return base64.RawURLEncoding.EncodeToString(text)
}

func parsePosition(cursor string) (*position, error) {
	at := &position{}
	if cursor == "" {
		return at, nil
	}
	text, err := base64.RawURLEncoding.DecodeString(cursor)
	if err == nil {
		err = json.Unmarshal(text, at)
	}
	if err != nil || at.Partition < 0 || validateState(at.State) != nil {
		return nil, fmt.Errorf("%w: cursor %q; want the one that the page before gave", drayhorse.ErrInvalid, cursor)
	}
	return at, nil
}
