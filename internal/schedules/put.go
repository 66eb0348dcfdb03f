package schedules

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/drayhorse/drayhorse"
	"github.com/drayhorse/drayhorse/internal/redis"
)

// tries is how often a change is worked out anew because something has changed
// meanwhile.
const tries = 10

var errBusy = errors.New("it changes all the time")

// put is one declaration on its way into the store.
type put struct {
	declaration *Declaration
	replaces    string // the revision; "" for none
	from        string // the source that has it now; "" for the same
	timing      bool   // next is another one
	next        time.Time
	pause       string // 1 or 0 if that changes
}

// at is when it fires next, as the script takes it.
func (p *put) at() string {
	switch {
	case !p.timing:
		return ""
	case p.next.IsZero():
		return "none"
	}
	return ms(p.next)
}

// first gives the first tick of d after now and after any that it had.
func first(d *Declaration, now, last time.Time) (time.Time, error) {
	t, err := d.Timetable()
	if err != nil {
		return time.Time{}, err
	}
	if last.After(now) {
		now = last
	}
	return t.Next(now), nil
}

// plan says how d replaces what is stored, old, or nil. A change of the timing
// begins at once and keeps the last tick; any other change leaves the next tick. A
// declaration pauses when it comes to say so, and resumes when it no longer does; a
// pause that an operator has made stays.
func plan(d *Declaration, old *Status, now time.Time) (p put, err error) {
	p.declaration, p.timing = d, true
	last, paused := time.Time{}, false
	if old != nil {
		p.replaces, p.from = old.Revision, old.Source
		last, paused = old.Last, old.Declaration.Paused
		p.timing = !old.sameTiming(d)
	}
	switch {
	case d.Paused && !paused:
		p.pause = "1"
	case paused && !d.Paused:
		p.pause, p.timing = "0", true
	}
	if p.timing {
		p.next, err = first(d, now, last)
	}
	return p, err
}

func (s *Store) put(ctx context.Context, source string, declared time.Time, puts []put) ([]string, error) {
	args := []any{source, declared.UnixMilli()}
	for _, p := range puts {
		text, err := p.declaration.encode()
		if err != nil {
			return nil, err
		}
		from := source
		if p.replaces != "" {
			from = p.from
		}
		args = append(args, p.declaration.ID, p.replaces, text, p.at(), p.pause, from)
	}
	reply, err := s.run(ctx, putScript, args...)
	if err != nil {
		return nil, err
	}
	return wordsOf(putScript, reply, len(puts))
}

func wordsOf(script *redis.Script, reply any, n int) ([]string, error) {
	list := redis.AsList(reply)
	if len(list) != n {
		return nil, unexpected(script, reply)
	}
	said := make([]string, n)
	for i := range said {
		said[i] = redis.AsString(list[i])
	}
	return said, nil
}

// Add stores a schedule at run time. One that was declared by a source cannot be
// replaced, and any other only if replace says so. The errors are
// drayhorse.ErrInvalid and ErrDuplicate.
func (s *Store) Add(ctx context.Context, d Declaration, replace bool) error {
	if err := d.Settle(); err != nil {
		return err
	}
	for range tries {
		page, err := s.list(ctx, "0", d.ID)
		if err != nil {
			return err
		}
		var old *Status
		if len(page.found) > 0 {
			old = page.found[0]
			if old.Source != "" {
				return fmt.Errorf("%w: schedule %s is declared by source %s; want the change there", drayhorse.ErrDuplicate, d.ID, old.Source)
			}
			if !replace {
				return fmt.Errorf("%w: schedule %s exists", drayhorse.ErrDuplicate, d.ID)
			}
		}
		p, err := plan(&d, old, page.now)
		if err != nil {
			return err
		}
		said, err := s.put(ctx, "", time.UnixMilli(0), []put{p})
		if err != nil || said[0] == "stored" {
			return err
		}
	}
	return fmt.Errorf("add schedule %s: %w", d.ID, errBusy)
}

// Remove forgets a schedule. Its jobs that are in a queue stay. The error is
// drayhorse.ErrNotFound.
func (s *Store) Remove(ctx context.Context, id string) error {
	for range tries {
		old, err := s.Get(ctx, id)
		if err != nil {
			return err
		}
		said, err := s.remove(ctx, "", time.UnixMilli(0), []*Status{old})
		if err != nil || said[0] == "removed" {
			return err
		}
	}
	return fmt.Errorf("remove schedule %s: %w", id, errBusy)
}

func (s *Store) remove(ctx context.Context, source string, declared time.Time, old []*Status) ([]string, error) {
	args := []any{source, declared.UnixMilli()}
	for _, o := range old {
		args = append(args, o.ID, o.Revision)
	}
	reply, err := s.run(ctx, removeScript, args...)
	if err != nil {
		return nil, err
	}
	return wordsOf(removeScript, reply, len(old))
}
