package timetable_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/drayhorse/drayhorse/internal/timetable"
)

// zones change their clocks by an hour, by half an hour, by two, at midnight,
// around Ramadan, with a negative summer time, far in the south, or never.
var zones = []string{
	"Europe/Paris", "America/New_York", "Australia/Lord_Howe", "Antarctica/Troll", "Africa/Cairo",
	"Asia/Beirut", "America/Asuncion", "America/Havana", "America/Santiago", "Africa/Casablanca", "Europe/Dublin",
	"Pacific/Chatham", "America/St_Johns", "Asia/Kathmandu", "UTC",
}

// changes are the instants at which a zone's clocks change from 2024 to 2027,
// found by reading the clock every half hour.
func changes(zone *time.Location) (found []time.Time) {
	_, was := time.Date(2024, 1, 1, 0, 0, 0, 0, time.UTC).In(zone).Zone()
	for at := time.Date(2024, 1, 1, 0, 0, 0, 0, time.UTC); at.Year() < 2028; at = at.Add(30 * time.Minute) {
		if _, is := at.In(zone).Zone(); is != was {
			found, was = append(found, at), is
		}
	}
	return found
}

func loadZone(t rapid.TB, name string) *time.Location {
	zone, err := time.LoadLocation(name)
	if err != nil {
		t.Fatal(err)
	}
	return zone
}

func ticksBetween(tt *timetable.Timetable, from, to time.Time) (ticks []int64) {
	for at := tt.Next(from.Add(-1)); !at.IsZero() && at.Before(to); at = tt.Next(at) {
		ticks = append(ticks, at.Unix())
	}
	return ticks
}

// checkWatch compares the timetable with the oracle and with itself.
func checkWatch(t rapid.TB, c wallCron, zone *time.Location, from, to time.Time, hand time.Duration) {
	tt, err := timetable.Parse(timetable.Spec{Cron: c.String(), Timezone: zone.String()})
	if err != nil {
		t.Skip(err) // a date that does not exist: TestDates
	}
	got, want := ticksBetween(tt, from, to), c.watch(zone, from, to, hand)
	if !slices.Equal(got, want) {
		t.Fatalf("%s from %v to %v:\n got %s\nwant %s", tt, from.In(zone), to.In(zone), faces(got, zone), faces(want, zone))
	}
	if len(want) > 0 {
		if last := tt.Last(to.Add(-1)); last.Unix() != want[len(want)-1] {
			t.Fatalf("%s: last tick before %v is %v", tt, to.In(zone), last)
		}
	}
}

func faces(ticks []int64, zone *time.Location) string {
	var b strings.Builder
	for _, tick := range ticks[:min(len(ticks), 20)] {
		b.WriteString(time.Unix(tick, 0).In(zone).Format(" 02T15:04:05-07:00"))
	}
	return fmt.Sprintf("%d:%s", len(ticks), b.String())
}

// TestEveryChange takes each change of each zone from 2024 to 2027.
func TestEveryChange(t *testing.T) {
	t.Parallel()
	var patterns []wallCron
	for _, hour := range []wallField{starField(0, 23), stepField(0, 23, 2), listField(0), listField(1, 2), listField(23, 2)} {
		for _, minute := range []wallField{starField(0, 59), stepField(0, 59, 20), listField(0), listField(5, 35)} {
			patterns = append(patterns, wallCron{listField(0), minute, hour, starField(1, 31), starField(1, 12), starField(0, 7)})
		}
	}
	for _, name := range zones {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			zone := loadZone(t, name)
			for _, change := range changes(zone) {
				for _, c := range patterns {
					checkWatch(t, c, zone, change.Add(-2*time.Hour), change.Add(3*time.Hour), time.Minute)
				}
			}
		})
	}
}

// TestAroundChanges takes random expressions at random changes, from any second.
func TestAroundChanges(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		zone := loadZone(t, rapid.SampledFrom(zones).Draw(t, "zone"))
		at := time.Unix(rapid.Int64Range(1_700_000_000, 1_830_000_000).Draw(t, "at"), 0)
		if c := changes(zone); len(c) > 0 && rapid.IntRange(0, 9).Draw(t, "at a change") > 0 {
			at = rapid.SampledFrom(c).Draw(t, "change")
		}
		from := at.Add(-time.Duration(rapid.IntRange(-3600, 7200).Draw(t, "before")) * time.Second)
		c := wallCron{drawField(t, "second", 0, 59), drawField(t, "minute", 0, 59), drawField(t, "hour", 0, 23)}
		if rapid.Bool().Draw(t, "at night") {
			c[2] = listField(rapid.SliceOfNDistinct(rapid.SampledFrom([]int{0, 1, 2, 3, 23}), 1, 3, rapid.ID[int]).Draw(t, "hours")...)
		}
		c.drawDays(t, rapid.IntRange(0, 4).Draw(t, "restrict days") == 0)
		checkWatch(t, c, zone, from, from.Add(2*time.Hour), time.Second)
	})
}

// TestDates compares the days on which a schedule fires with a walk through
// every day of twelve years; what never fires must have been refused.
func TestDates(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		c := wallCron{listField(7), listField(30), listField(12)}
		c.drawDays(t, true)
		from := time.Date(2095, 1, 1, 12, 30, 7, 0, time.UTC)
		to := from.AddDate(12, 0, 0) // over 2100, which is no leap year
		var want []int64
		for day := from; day.Before(to); day = day.AddDate(0, 0, 1) {
			if c.matchesDay(day) {
				want = append(want, day.Unix())
			}
		}
		tt, err := timetable.Parse(timetable.Spec{Cron: c.String()})
		if err != nil {
			if len(want) > 0 {
				t.Fatalf("refused: %v", err)
			}
			return
		}
		if got := ticksBetween(tt, from, to); !slices.Equal(got, want) {
			t.Fatalf("%s:\n got %s\nwant %s", tt, faces(got, time.UTC), faces(want, time.UTC))
		}
	})
}

// TestOrder: ticks rise, whatever the schedule and wherever one starts, Last is
// the inverse of Next, and an instant between two ticks gives the same answers.
func TestOrder(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		spec := timetable.Spec{Timezone: rapid.SampledFrom(zones).Draw(t, "zone")}
		if rapid.Bool().Draw(t, "every") {
			spec.Every = time.Duration(rapid.Int64Range(1000, 1e9).Draw(t, "ms")) * time.Millisecond
		} else {
			c := wallCron{drawField(t, "second", 0, 59), drawField(t, "minute", 0, 59), drawField(t, "hour", 0, 23)}
			c.drawDays(t, rapid.Bool().Draw(t, "restrict days"))
			spec.Cron = c.String()
		}
		tt, err := timetable.Parse(spec)
		if err != nil {
			t.Skip(err)
		}
		at := time.Unix(rapid.Int64Range(-3e9, 1e10).Draw(t, "at"), rapid.Int64Range(0, 1e9-1).Draw(t, "ns"))
		tick := tt.Next(at)
		for range 50 {
			next := tt.Next(tick)
			if !next.After(tick) {
				t.Fatalf("%s: %v, then %v", tt, tick, next)
			}
			between := tick.Add(time.Duration(rapid.Int64Range(0, int64(next.Sub(tick)-1)).Draw(t, "between")))
			if got := tt.Next(between); !got.Equal(next) {
				t.Fatalf("%s: after %v comes %v, after %v %v", tt, tick, next, between, got)
			}
			if got := tt.Last(between); !got.Equal(tick) {
				t.Fatalf("%s: last until %v is %v, want %v", tt, between, got, tick)
			}
			tick = next
		}
	})
}
