package schedules

import (
	"encoding/json"
	"fmt"
	"hash/fnv"
	"strconv"
	"time"

	"github.com/drayhorse/drayhorse"
	"github.com/drayhorse/drayhorse/internal/printable"
	"github.com/drayhorse/drayhorse/internal/timetable"
)

// The ways to catch up.
const (
	CatchUpSkip = "skip"
	CatchUpLast = "last"
	CatchUpAll  = "all"
)

// The ways to overlap.
const (
	OverlapAllow   = "allow"
	OverlapSkip    = "skip"
	OverlapQueue   = "queue"
	OverlapReplace = "replace"
)

// Limits and defaults.
const (
	MaxID                = 100 // bytes of a schedule's ID: room for the tick in that of a job
	MaxCatchUp           = 1000
	DefaultCatchUpWindow = 24 * time.Hour // of CatchUpAll
	maxSpan              = 100 * 365 * 24 * time.Hour
)

// Declaration is what a schedule is, whoever declares it. The zero values of the
// fields after Manual, of Args, Queue, MaxAttempts, Timeout, CatchUp and Overlap stand for
// their defaults, which Settle fills in.
type Declaration struct {
	ID            string
	Cron          string // a zone in front of it, as TZ=ZONE or CRON_TZ=ZONE, becomes the Timezone
	Every         time.Duration
	Manual        bool // it has no ticks: it is triggered
	Paused        bool // it does not fire until somebody resumes it, or the declaration changes
	Timezone      string
	Start, End    time.Time
	Jitter        time.Duration // each job is due up to that much later than its tick
	Kind          string
	Args          json.RawMessage
	Queue         string
	MaxAttempts   int
	Timeout       time.Duration
	Retain        time.Duration
	StartWithin   time.Duration // 0: jobs wait for as long as it takes
	Priority      drayhorse.Priority
	Group         string // empty: none
	Tags          []string
	CatchUp       string
	CatchUpWindow time.Duration // older ticks are not made up; 0: no limit, for all DefaultCatchUpWindow
	CatchUpMax    int           // of CatchUpAll: the most ticks that are made up at once; 0: MaxCatchUp
	Overlap       string
}

// Settle fills in defaults and reports the first impossible value, as
// drayhorse.ErrInvalid and with the ID.
func (d *Declaration) Settle() error {
	if err := ValidateID(d.ID); err != nil {
		return err
	}
	if err := d.settle(); err != nil {
		return fmt.Errorf("schedule %s: %w", d.ID, err)
	}
	return nil
}

// ValidateID reports why id cannot be the ID of a schedule, as
// drayhorse.ErrInvalid.
func ValidateID(id string) error {
	if len(id) > MaxID || drayhorse.ValidateKind(id) != nil { // the same letters
		return fmt.Errorf("%w: schedule id %q; want 1-%d of letters, digits and _ . : -", drayhorse.ErrInvalid, id[:min(len(id), MaxID+1)], MaxID)
	}
	return nil
}

func (d *Declaration) settle() error {
	if err := d.settleZone(); err != nil {
		return err
	}
	if d.Timezone == "" {
		d.Timezone = "UTC"
	}
	if _, err := d.Timetable(); err != nil {
		return err
	}
	if d.Jitter < 0 || d.Jitter > maxSpan {
		return fmt.Errorf("%w: jitter %v; want 0 to 100 years", drayhorse.ErrInvalid, d.Jitter)
	}
	if err := d.settleJob(); err != nil {
		return err
	}
	return d.settlePolicies()
}

// settleZone takes the zone out of a cron expression that has one.
func (d *Declaration) settleZone() error {
	zone, rest := timetable.CutZone(d.Cron)
	if zone == "" {
		return nil
	}
	if d.Timezone != "" && d.Timezone != zone {
		return fmt.Errorf("%w: cron has the zone %q and timezone is %q; want one of them", drayhorse.ErrInvalid, clip(zone), clip(d.Timezone))
	}
	d.Cron, d.Timezone = rest, zone
	return nil
}

// clip shortens text that is shown in a message.
func clip(text string) string { return printable.Clip(text, 100) }

func (d *Declaration) settleJob() error {
	if d.Kind == "" {
		return fmt.Errorf("%w: kind is empty; want the kind of its jobs", drayhorse.ErrInvalid)
	}
	if err := drayhorse.ValidateKind(d.Kind); err != nil {
		return err
	}
	if len(d.Args) == 0 {
		d.Args = json.RawMessage("{}")
	}
	args, err := drayhorse.EncodeArgs(drayhorse.Raw(d.Kind, d.Args), drayhorse.DefaultMaxArgs)
	if err != nil {
		return err
	}
	d.Args = args
	settings, err := drayhorse.Resolve(d.options()...)
	d.Queue, d.MaxAttempts, d.Timeout = settings.Queue, settings.MaxAttempts, settings.Timeout
	return err
}

// options are those that are given.
func (d *Declaration) options() []drayhorse.Option {
	options := []drayhorse.Option{drayhorse.Retain(d.Retain)}
	if d.Queue != "" {
		options = append(options, drayhorse.Queue(d.Queue))
	}
	if d.MaxAttempts != 0 {
		options = append(options, drayhorse.MaxAttempts(d.MaxAttempts))
	}
	if d.Timeout != 0 {
		options = append(options, drayhorse.Timeout(d.Timeout))
	}
	if d.StartWithin != 0 {
		options = append(options, drayhorse.StartWithin(d.StartWithin))
	}
	if d.Priority != drayhorse.Normal {
		options = append(options, d.Priority)
	}
	if d.Group != "" {
		options = append(options, drayhorse.Group(d.Group))
	}
	if len(d.Tags) > 0 {
		options = append(options, drayhorse.Tags(d.Tags...))
	}
	return options
}

func (d *Declaration) settlePolicies() error {
	if d.CatchUp == "" {
		d.CatchUp = CatchUpLast
	}
	if d.Overlap == "" {
		d.Overlap = OverlapAllow
	}
	switch d.CatchUp {
	case CatchUpSkip, CatchUpLast, CatchUpAll:
	default:
		return fmt.Errorf("%w: catch_up %q; want skip, last or all", drayhorse.ErrInvalid, d.CatchUp)
	}
	switch d.Overlap {
	case OverlapAllow, OverlapSkip, OverlapQueue, OverlapReplace:
	default:
		return fmt.Errorf("%w: overlap %q; want allow, skip, queue or replace", drayhorse.ErrInvalid, d.Overlap)
	}
	switch {
	case d.Manual && (d.CatchUp != CatchUpLast || d.Jitter != 0 || d.Overlap != OverlapAllow):
		return fmt.Errorf("%w: manual with catch_up, overlap or jitter, which are for ticks; want none of them", drayhorse.ErrInvalid)
	case d.CatchUpWindow < 0 || d.CatchUpWindow > maxSpan:
		return fmt.Errorf("%w: catch_up_window %v; want 0 to 100 years", drayhorse.ErrInvalid, d.CatchUpWindow)
	case d.CatchUpMax < 0 || d.CatchUpMax > MaxCatchUp:
		return fmt.Errorf("%w: catch_up_max %d; want 1 to %d", drayhorse.ErrInvalid, d.CatchUpMax, MaxCatchUp)
	case d.CatchUpWindow != 0 && d.CatchUp == CatchUpSkip:
		return fmt.Errorf("%w: catch_up_window %v with catch_up skip, which makes up nothing; want last or all", drayhorse.ErrInvalid, d.CatchUpWindow)
	case d.CatchUpMax != 0 && d.CatchUp != CatchUpAll:
		return fmt.Errorf("%w: catch_up_max %d with catch_up %s; want all", drayhorse.ErrInvalid, d.CatchUpMax, d.CatchUp)
	case d.CatchUp == CatchUpAll && (d.Overlap == OverlapSkip || d.Overlap == OverlapReplace):
		return fmt.Errorf("%w: catch_up all with overlap %s, which lets only one of the ticks run; want overlap allow or queue", drayhorse.ErrInvalid, d.Overlap)
	}
	return nil
}

// Timetable says when the schedule fires.
func (d *Declaration) Timetable() (*timetable.Timetable, error) {
	return timetable.Parse(timetable.Spec{Cron: d.Cron, Every: d.Every, Manual: d.Manual, Timezone: d.Timezone, Start: d.Start, End: d.End})
}

// Due is when the job of a tick is to run: the tick, and the jitter that this tick
// has whoever works it out.
func (d *Declaration) Due(tick time.Time) time.Time {
	if d.Jitter < time.Millisecond {
		return tick
	}
	h := fnv.New64a()
	_, _ = h.Write([]byte(d.ID + "@" + strconv.FormatInt(tick.UnixMilli(), 10)))
	late := h.Sum64() % uint64(d.Jitter.Milliseconds()+1)   //nolint:gosec // not negative
	return tick.Add(time.Duration(late) * time.Millisecond) //nolint:gosec // at most Jitter
}

// sameTiming reports whether two declarations have the same ticks.
func (d *Declaration) sameTiming(o *Declaration) bool {
	return d.Cron == o.Cron && d.Every == o.Every && d.Manual == o.Manual && d.Timezone == o.Timezone && d.Start.Equal(o.Start) && d.End.Equal(o.End)
}
