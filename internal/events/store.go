package events

import (
	"context"
	"embed"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/drayhorse/drayhorse"
	"github.com/drayhorse/drayhorse/internal/redis"
)

//go:embed scripts
var files embed.FS

// All scripts touch the same two keys: events, a stream, and listening, a hash, which registry
// reads as well.
var (
	library      = redis.NewLibrary(files, "events", "listening")
	appendScript = library.Load("append")
	readScript   = library.Load("read")
)

// Limits of what is kept.
const (
	MaxBytes   = 8 << 20   // of the stream, about
	Kept       = time.Hour // an event
	MaxASecond = 20_000    // events that are appended, of all workers together
	// Listening is how long somebody listens after a read: so long may a listener be away and
	// miss nothing but what there is no room for.
	Listening = 5 * time.Minute

	maxEntry  = 64 << 10  // bytes of an entry
	readBytes = 128 << 10 // that one call reads, about
)

// Store is the only owner of its keys. It keeps nothing itself.
type Store struct {
	client *redis.Client
	keys   []string
	limits limits
}

// limits are those of a store, which tests change.
type limits struct{ bytes, aSecond int }

// New makes a store. It does not connect.
func New(client *redis.Client, namespace string) *Store {
	s := &Store{client: client, limits: limits{MaxBytes, MaxASecond}}
	for _, name := range library.Columns() {
		s.keys = append(s.keys, namespace+":{@workers}:"+name) // no queue can have a name with @
	}
	return s
}

// Appended is what has become of events that were to be appended.
type Appended struct {
	Listening time.Duration // for how long somebody listens still; 0: nobody does, or it is not known
	Lost      int           // of these events, how many are not told, though somebody listens
	Untold    int           // how many were left out of which the next call is to tell
}

// Append appends events of a worker, "" for none, if anybody listens. leftOut is how many were
// left out before them. The error is drayhorse.ErrUnavailable or ErrFull.
func (s *Store) Append(ctx context.Context, worker string, leftOut int, all []Event) (done Appended, err error) {
	now := time.Now()
	for len(all) > 0 || leftOut > 0 {
		text, n, err := encode(all, now)
		if err != nil {
			return Appended{Lost: done.Lost + len(all), Untold: leftOut + len(all)}, err
		}
		reply, err := s.client.Run(ctx, redis.Call{Script: appendScript, Keys: appendScript.KeysOf(s.keys), Args: []any{
			leftOut, n, worker, text, s.limits.bytes, Kept.Milliseconds(), s.limits.aSecond,
		}})
		parts := redis.AsList(reply)
		switch {
		case err != nil:
			return Appended{Lost: done.Lost + len(all), Untold: leftOut + len(all)}, redis.Wrap("append events", err)
		case len(parts) != 2 || redis.AsInt(parts[0]) == 0:
			return Appended{}, nil
		case redis.AsInt(parts[1]) == 0:
			done.Lost += n
		}
		done.Listening = time.Duration(redis.AsInt(parts[0])) * time.Millisecond
		leftOut, all = 0, all[n:]
	}
	return done, nil
}

// encode gives the first events as an entry has them, and how many they are.
func encode(all []Event, now time.Time) (text []byte, n int, err error) {
	text = []byte{'['}
	for ; n < len(all); n++ {
		one, err := all[n].encode(now)
		if err != nil {
			return nil, 0, fmt.Errorf("append event: %w", err)
		}
		if n > 0 && len(text)+len(one) > maxEntry {
			break
		}
		if n > 0 {
			text = append(text, ',')
		}
		text = append(text, one...)
	}
	return append(text, ']'), n, nil
}

// position is a place among the events: behind the one of that number. The zero value is before
// all that are kept.
type position struct {
	epoch  string
	number int64
}

// parsePosition reads the ID of an event.
func parsePosition(id string) (p position, err error) {
	epoch, number, ok := strings.Cut(id, "-")
	_, err1 := strconv.ParseUint(epoch, 10, 53)
	n, err2 := strconv.ParseUint(number, 10, 53)
	if !ok || err1 != nil || err2 != nil {
		return p, fmt.Errorf("%w: event %.50q; want the ID of one, 0 for all that are kept, or none for those to come", drayhorse.ErrInvalid, id)
	}
	return position{epoch, int64(n)}, nil
}

// ValidateID refuses, with drayhorse.ErrInvalid, what is neither the ID of an event, All nor "".
func ValidateID(id string) error {
	if id == "" || id == All {
		return nil
	}
	_, err := parsePosition(id)
	return err
}

func (p position) String() string { return p.epoch + "-" + strconv.FormatInt(p.number, 10) }

// All stands for all events that are kept, where an ID is asked for.
const All = "0"

// latest is the epoch that has read.lua count from the end.
const latest = "last"

// numbered is an event with its number.
type numbered struct {
	*Event

	number int64
}

// stretch is what a read gives: all events that are kept behind from, up to to.
type stretch struct {
	from, to position
	events   []numbered
	more     bool // there are further ones
}

// read says that somebody listens, and gives what is kept behind a position, as much as a call
// reads; nil: no events, and where those to come begin.
func (s *Store) read(ctx context.Context, after *position) (*stretch, error) {
	epoch, number := "", ""
	if after != nil {
		epoch, number = after.epoch, strconv.FormatInt(after.number, 10)
	}
	reply, err := s.client.Run(ctx, redis.Call{Script: readScript, Keys: readScript.KeysOf(s.keys), Args: []any{
		epoch, number, Listening.Milliseconds(), Kept.Milliseconds(), readBytes,
	}})
	if err != nil {
		return nil, redis.Wrap("read events", err)
	}
	parts := redis.AsList(reply)
	if len(parts) != 4 {
		return nil, fmt.Errorf("read events: unexpected reply %v", reply)
	}
	got := &stretch{to: position{redis.AsString(parts[0]), redis.AsInt(parts[1])}, more: redis.AsInt(parts[2]) == 1}
	if after == nil {
		got.from = got.to
		return got, nil
	}
	switch got.from = *after; {
	case after.epoch != got.to.epoch:
		got.from = position{epoch: got.to.epoch}
	case after.number > got.to.number: // a server took over that had not got the last ones
		got.from = got.to
	}
	entries := redis.AsList(parts[3])
	for i := range entries {
		last := got.add(redis.AsList(entries[i]))
		if got.more && i == len(entries)-1 {
			got.to.number = last
		}
	}
	return got, nil
}

// add adds the events of an entry, as append.lua writes it, that are behind from, and gives the
// number of the last one. What cannot be read is left out, and found missing by the numbers.
func (s *stretch) add(entry []any) (last int64) {
	if len(entry) != 2 {
		return 0
	}
	id, _, _ := strings.Cut(redis.AsString(entry[0]), "-")
	last, _ = strconv.ParseInt(id, 10, 64)
	fields := redis.AsStrings(entry[1])
	var rows []*row
	if len(fields) != 10 || json.Unmarshal([]byte(fields[9]), &rows) != nil || slices.Contains(rows, nil) {
		return last
	}
	at, worker := redis.AsTime(fields[3]), fields[7]
	for i, r := range rows {
		if number := last - int64(len(rows)-1-i); number > s.from.number {
			e := r.event(at, worker)
			e.ID = position{s.to.epoch, number}.String()
			s.events = append(s.events, numbered{e, number})
		}
	}
	return last
}
