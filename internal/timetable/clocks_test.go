package timetable_test

import (
	"testing"
	"time"

	"github.com/drayhorse/drayhorse/internal/timetable"
)

// TestClocksGoForward: what is jumped over fires once, at the end of the jump.
func TestClocksGoForward(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		cron, zone, after string
		want              []string
	}{
		// 02:00 to 03:00 does not exist.
		{"30 2 * * *", "Europe/Paris", "2026-03-28T12:00:00+01:00", []string{"2026-03-29T03:00:00+02:00", "2026-03-30T02:30:00+02:00"}},
		{"30 2 * * *", "America/New_York", "2026-03-07T12:00:00-05:00", []string{"2026-03-08T03:00:00-04:00", "2026-03-09T02:30:00-04:00"}},
		{"0 2 * * *", "Europe/Paris", "2026-03-28T12:00:00+01:00", []string{"2026-03-29T03:00:00+02:00", "2026-03-30T02:00:00+02:00"}},
		{"59 59 2 * * *", "Europe/Paris", "2026-03-28T12:00:00+01:00", []string{"2026-03-29T03:00:00+02:00", "2026-03-30T02:59:59+02:00"}},
		{"30 2 29 3 *", "Europe/Paris", "2026-01-01T00:00:00+01:00", []string{"2026-03-29T03:00:00+02:00", "2027-03-29T02:30:00+02:00"}},
		// Several fall together, with each other and with a tick that is there anyway.
		{"0,30 2,3 * * *", "Europe/Paris", "2026-03-28T12:00:00+01:00", []string{"2026-03-29T03:00:00+02:00", "2026-03-29T03:30:00+02:00", "2026-03-30T02:00:00+02:00"}},
		{"*/15 2 * * *", "Europe/Paris", "2026-03-28T12:00:00+01:00", []string{"2026-03-29T03:00:00+02:00", "2026-03-30T02:00:00+02:00"}},
		{"0 */2 * * *", "Europe/Paris", "2026-03-28T23:30:00+01:00", []string{"2026-03-29T00:00:00+01:00", "2026-03-29T03:00:00+02:00", "2026-03-29T04:00:00+02:00"}},
		// The edges of the jump.
		{"0 3 * * *", "Europe/Paris", "2026-03-28T12:00:00+01:00", []string{"2026-03-29T03:00:00+02:00", "2026-03-30T03:00:00+02:00"}},
		{"30 2 * * *", "Europe/Paris", "2026-03-29T01:59:59+01:00", []string{"2026-03-29T03:00:00+02:00"}},
		{"30 2 * * *", "Europe/Paris", "2026-03-29T03:00:00+02:00", []string{"2026-03-30T02:30:00+02:00"}},
		// Every hour goes on as it was.
		{"5 * * * *", "Europe/Paris", "2026-03-29T00:30:00+01:00", []string{"2026-03-29T01:05:00+01:00", "2026-03-29T03:05:00+02:00"}},
		{"@hourly", "Europe/Paris", "2026-03-29T00:30:00+01:00", []string{"2026-03-29T01:00:00+01:00", "2026-03-29T03:00:00+02:00"}},
		{"*/20 * * * *", "Europe/Paris", "2026-03-29T01:30:00+01:00", []string{"2026-03-29T01:40:00+01:00", "2026-03-29T03:00:00+02:00", "2026-03-29T03:20:00+02:00"}},
		// By half an hour: 02:00 to 02:30.
		{"15 2 * * *", "Australia/Lord_Howe", "2026-10-03T12:00:00+10:30", []string{"2026-10-04T02:30:00+11:00", "2026-10-05T02:15:00+11:00"}},
		{"45 2 * * *", "Australia/Lord_Howe", "2026-10-03T12:00:00+10:30", []string{"2026-10-04T02:45:00+11:00"}},
		// At midnight: the day begins at 01:00.
		{"0 0 * * *", "Africa/Cairo", "2026-04-23T12:00:00+02:00", []string{"2026-04-24T01:00:00+03:00", "2026-04-25T00:00:00+03:00"}},
		{"15 0 24 4 *", "Africa/Cairo", "2026-04-01T12:00:00+02:00", []string{"2026-04-24T01:00:00+03:00"}},
		{"@daily", "Asia/Beirut", "2026-03-28T12:00:00+02:00", []string{"2026-03-29T01:00:00+03:00", "2026-03-30T00:00:00+03:00"}},
		{"0 12 * * *", "Africa/Cairo", "2026-04-23T13:00:00+02:00", []string{"2026-04-24T12:00:00+03:00"}},
		// By a whole day: Samoa had no 30 December.
		{"0 9 30 12 *", "Pacific/Apia", "2011-12-01T00:00:00-10:00", []string{"2011-12-31T00:00:00+14:00", "2012-12-30T09:00:00+14:00"}},
	} {
		wantTicks(t, parse(t, timetable.Spec{Cron: c.cron, Timezone: c.zone}), instant(t, c.after), c.want...)
	}
}

// TestClocksGoBack: fixed times fire the first time only, the others both times.
func TestClocksGoBack(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		cron, zone, after string
		want              []string
	}{
		{"30 2 * * *", "Europe/Paris", "2026-10-24T12:00:00+02:00", []string{"2026-10-25T02:30:00+02:00", "2026-10-26T02:30:00+01:00"}},
		{"30 1 * * *", "America/New_York", "2026-10-31T12:00:00-04:00", []string{"2026-11-01T01:30:00-04:00", "2026-11-02T01:30:00-05:00"}},
		{"45 1 * * *", "Australia/Lord_Howe", "2026-04-04T12:00:00+11:00", []string{"2026-04-05T01:45:00+11:00", "2026-04-06T01:45:00+10:30"}},
		{"30 23 * * *", "Africa/Cairo", "2026-10-28T23:45:00+03:00", []string{"2026-10-29T23:30:00+03:00", "2026-10-30T23:30:00+02:00"}},
		{"0 0 * * *", "Asia/Beirut", "2026-10-24T12:00:00+03:00", []string{"2026-10-25T00:00:00+02:00", "2026-10-26T00:00:00+02:00"}},
		// Asked within the second hour.
		{"30 2 * * *", "Europe/Paris", "2026-10-25T02:10:00+01:00", []string{"2026-10-26T02:30:00+01:00"}},
		{"0,30 2,3 * * *", "Europe/Paris", "2026-10-25T02:00:00+01:00", []string{"2026-10-25T03:00:00+01:00"}},
		// The edges: 03:00 comes once.
		{"0 2,3 * * *", "Europe/Paris", "2026-10-24T12:00:00+02:00", []string{"2026-10-25T02:00:00+02:00", "2026-10-25T03:00:00+01:00"}},
		{"59 59 2 * * *", "Europe/Paris", "2026-10-24T12:00:00+02:00", []string{"2026-10-25T02:59:59+02:00", "2026-10-26T02:59:59+01:00"}},
		// In real time.
		{"*/30 * * * *", "Europe/Paris", "2026-10-25T01:45:00+02:00", []string{"2026-10-25T02:00:00+02:00", "2026-10-25T02:30:00+02:00", "2026-10-25T02:00:00+01:00", "2026-10-25T02:30:00+01:00", "2026-10-25T03:00:00+01:00"}},
		{"5 * * * *", "Europe/Paris", "2026-10-25T01:45:00+02:00", []string{"2026-10-25T02:05:00+02:00", "2026-10-25T02:05:00+01:00", "2026-10-25T03:05:00+01:00"}},
		{"5 0-23 * * *", "Europe/Paris", "2026-10-25T01:45:00+02:00", []string{"2026-10-25T02:05:00+02:00", "2026-10-25T02:05:00+01:00", "2026-10-25T03:05:00+01:00"}},
		{"*/30 0-6 * * *", "Europe/Paris", "2026-10-25T02:10:00+02:00", []string{"2026-10-25T02:30:00+02:00", "2026-10-25T02:00:00+01:00"}},
		{"*/15 * * * *", "Australia/Lord_Howe", "2026-04-05T01:40:00+11:00", []string{"2026-04-05T01:45:00+11:00", "2026-04-05T01:30:00+10:30", "2026-04-05T01:45:00+10:30", "2026-04-05T02:00:00+10:30"}},
		{"*/30 * * * * *", "Europe/Paris", "2026-10-25T02:59:10+02:00", []string{"2026-10-25T02:59:30+02:00", "2026-10-25T02:00:00+01:00"}},
	} {
		wantTicks(t, parse(t, timetable.Spec{Cron: c.cron, Timezone: c.zone}), instant(t, c.after), c.want...)
	}
}

// TestLastDayOfLeapYear: the standard library's bounds of a zone's periods stand
// still on that day, once the zone's table has ended and its rule is in force.
func TestLastDayOfLeapYear(t *testing.T) {
	t.Parallel()
	for _, zone := range []string{"Europe/Paris", "America/New_York", "Australia/Lord_Howe", "America/Santiago"} {
		tt := parse(t, timetable.Spec{Cron: "30 2 * * *", Timezone: zone})
		for year := 2024; year < 2200; year += 4 {
			for day := 29; day < 34; day++ {
				at := time.Date(year, 12, day, 12, 0, 0, 0, time.UTC).In(tt.Next(time.Time{}).Location())
				want := time.Date(at.Year(), at.Month(), at.Day(), 2, 30, 0, 0, at.Location())
				if !want.After(at) {
					want = want.AddDate(0, 0, 1)
				}
				if got := tt.Next(at); !got.Equal(want) {
					t.Fatalf("%s: after %v comes %v, want %v", tt, at, got, want)
				}
			}
		}
	}
}
