package timetable

import (
	"math/bits"
	"time"
)

// set is a set of the numbers 0 to 63, one bit each.
type set uint64

func (s set) has(n int) bool { return s>>n&1 == 1 }

// from returns the least member that is at least n, or 64 when there is none.
func (s set) from(n int) int { return bits.TrailingZeros64(uint64(s >> n << n)) }

func (s set) first() int { return s.from(0) }

// field is what one field of a cron expression allows.
type field struct {
	set
	star bool // written with a *
}

// fields is a cron expression. Days of the week are 0-6.
type fields struct {
	second, minute, hour, day, month, weekday field
}

const allHours set = 1<<24 - 1

// everyHour: the schedule keeps its beat through a jump of the clocks.
func (f *fields) everyHour() bool { return f.hour.set == allHours }

// repeats: a local time that comes twice fires twice.
func (f *fields) repeats() bool {
	return f.everyHour() || f.second.star || f.minute.star || f.hour.star
}

// maxYears is how far ahead a match can be: 29 February falls on a given day of
// the week after 40 years at the latest.
const maxYears = 40

// next returns the first match at or after local, both in seconds since 1970 on
// the local clock.
func (f *fields) next(local int64) (int64, bool) {
	t := time.Unix(local, 0).UTC()
	year, month, day := t.Date()
	if f.days(year, month).has(day) {
		if clock, ok := f.clock(t.Clock()); ok {
			midnight := local - secondOfDay(t.Clock())
			return midnight + clock, true
		}
	}
	firstClock, _ := f.clock(0, 0, 0)
	day++
	for last := year + maxYears; year <= last; year++ {
		for m := f.month.from(int(month)); m <= 12; m = f.month.from(m + 1) {
			if m != int(month) {
				day = 1
			}
			if d := f.days(year, time.Month(m)).from(day); d <= 31 {
				return time.Date(year, time.Month(m), d, 0, 0, 0, 0, time.UTC).Unix() + firstClock, true
			}
		}
		month, day = time.January, 1
	}
	return 0, false
}

// clock returns the first matching time of day at or after h:m:s, in seconds.
func (f *fields) clock(h, m, s int) (int64, bool) {
	hour, minute, second := f.hour.from(h), f.minute.first(), f.second.first()
	if hour == h {
		if minute = f.minute.from(m); minute == m {
			if second = f.second.from(s); second > 59 {
				minute, second = f.minute.from(m+1), f.second.first()
			}
		}
		if minute > 59 {
			hour, minute = f.hour.from(h+1), f.minute.first()
		}
	}
	return secondOfDay(hour, minute, second), hour <= 23
}

func secondOfDay(h, m, s int) int64 { return int64(h)*3600 + int64(m)*60 + int64(s) }

// days returns the matching days of a month, as a set of 1 to 31.
func (f *fields) days(year int, month time.Month) set {
	if !f.month.has(int(month)) {
		return 0
	}
	var byWeekday set
	first := time.Date(year, month, 1, 0, 0, 0, 0, time.UTC)
	length := first.AddDate(0, 1, -1).Day()
	for d := range length {
		if f.weekday.has((int(first.Weekday()) + d) % 7) {
			byWeekday |= 1 << (d + 1)
		}
	}
	byDay := f.day.set & (1<<(length+1) - 1)
	if f.day.star || f.weekday.star {
		return byDay & byWeekday
	}
	return byDay | byWeekday
}
