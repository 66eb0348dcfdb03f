package timetable_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/drayhorse/drayhorse"
	"github.com/drayhorse/drayhorse/internal/timetable"
)

const layout = "2006-01-02T15:04:05Z07:00"

func parse(t testing.TB, spec timetable.Spec) *timetable.Timetable {
	t.Helper()
	tt, err := timetable.Parse(spec)
	if err != nil {
		t.Fatal(err)
	}
	return tt
}

func instant(t testing.TB, text string) time.Time {
	t.Helper()
	at, err := time.Parse(layout, text)
	if err != nil {
		t.Fatal(err)
	}
	return at
}

// wantTicks checks the first ticks after an instant, written in local time.
func wantTicks(t *testing.T, tt *timetable.Timetable, after time.Time, want ...string) {
	t.Helper()
	for _, w := range want {
		after = tt.Next(after)
		if got := after.Format(layout); got != w {
			t.Fatalf("%s: tick %s, want %s", tt, got, w)
		}
	}
}

func TestCron(t *testing.T) {
	t.Parallel()
	const from = "2026-11-01T00:00:00Z" // a Sunday
	for _, c := range []struct {
		cron string
		want []string
	}{
		{"* * * * *", []string{"2026-11-01T00:01:00Z", "2026-11-01T00:02:00Z"}},
		{"* * * * * *", []string{"2026-11-01T00:00:01Z", "2026-11-01T00:00:02Z"}},
		{"59 59 23 * * *", []string{"2026-11-01T23:59:59Z", "2026-11-02T23:59:59Z"}},
		{"  10/20\t*  * * * ", []string{"2026-11-01T00:10:00Z", "2026-11-01T00:30:00Z", "2026-11-01T00:50:00Z", "2026-11-01T01:10:00Z"}},
		{"5,10-20/5 4 * * *", []string{"2026-11-01T04:05:00Z", "2026-11-01T04:10:00Z", "2026-11-01T04:15:00Z", "2026-11-01T04:20:00Z", "2026-11-02T04:05:00Z"}},
		{"0 2-23/24 * * *", []string{"2026-11-01T02:00:00Z", "2026-11-02T02:00:00Z"}},
		{"*/60 * * * *", []string{"2026-11-01T01:00:00Z", "2026-11-01T02:00:00Z"}},
		{"0 */8 * * *", []string{"2026-11-01T08:00:00Z", "2026-11-01T16:00:00Z", "2026-11-02T00:00:00Z"}},
		{"0 0 31 * *", []string{"2026-12-31T00:00:00Z", "2027-01-31T00:00:00Z", "2027-03-31T00:00:00Z"}},
		{"0 0 1 JAN,jul *", []string{"2027-01-01T00:00:00Z", "2027-07-01T00:00:00Z"}},
		{"0 0 29 2 *", []string{"2028-02-29T00:00:00Z", "2032-02-29T00:00:00Z"}},
		{"0 0 29 2 */7", []string{"2032-02-29T00:00:00Z", "2060-02-29T00:00:00Z", "2088-02-29T00:00:00Z", "2128-02-29T00:00:00Z"}},
		{"0 0 * * 0", []string{"2026-11-08T00:00:00Z"}},
		{"0 0 * * 7", []string{"2026-11-08T00:00:00Z"}},
		{"0 0 * * mon-FRI", []string{"2026-11-02T00:00:00Z", "2026-11-03T00:00:00Z", "2026-11-04T00:00:00Z", "2026-11-05T00:00:00Z", "2026-11-06T00:00:00Z", "2026-11-09T00:00:00Z"}},
		{"0 0 * * fri-sun", []string{"2026-11-06T00:00:00Z", "2026-11-07T00:00:00Z", "2026-11-08T00:00:00Z", "2026-11-13T00:00:00Z"}},
		{"0 0 * * 5-7", []string{"2026-11-06T00:00:00Z", "2026-11-07T00:00:00Z", "2026-11-08T00:00:00Z", "2026-11-13T00:00:00Z"}},
		// Both day fields restricted: either. One with a *: both.
		{"0 0 13 * 5", []string{"2026-11-06T00:00:00Z", "2026-11-13T00:00:00Z", "2026-11-20T00:00:00Z", "2026-11-27T00:00:00Z", "2026-12-04T00:00:00Z", "2026-12-11T00:00:00Z", "2026-12-13T00:00:00Z"}},
		{"0 0 */2 * 1", []string{"2026-11-09T00:00:00Z", "2026-11-23T00:00:00Z"}},
		{"0 0 1-31 * 1", []string{"2026-11-02T00:00:00Z", "2026-11-03T00:00:00Z"}},
		{"@hourly", []string{"2026-11-01T01:00:00Z"}},
		{"@Daily", []string{"2026-11-02T00:00:00Z"}},
		{"@midnight", []string{"2026-11-02T00:00:00Z"}},
		{"@weekly", []string{"2026-11-08T00:00:00Z"}},
		{"@monthly", []string{"2026-12-01T00:00:00Z"}},
		{"@yearly", []string{"2027-01-01T00:00:00Z"}},
		{" @annually ", []string{"2027-01-01T00:00:00Z"}},
	} {
		wantTicks(t, parse(t, timetable.Spec{Cron: c.cron}), instant(t, from), c.want...)
	}
}

func TestCenturyWithoutLeapYear(t *testing.T) {
	t.Parallel()
	wantTicks(t, parse(t, timetable.Spec{Cron: "0 0 29 2 *"}), instant(t, "2096-03-01T00:00:00Z"), "2104-02-29T00:00:00Z")
}

func TestInvalid(t *testing.T) {
	t.Parallel()
	noon := time.Date(2026, 11, 1, 12, 0, 0, 0, time.UTC)
	for _, c := range []struct {
		spec timetable.Spec
		want string // part of the message
	}{
		{timetable.Spec{}, "neither cron nor every"},
		{timetable.Spec{Cron: "@daily", Every: time.Minute}, "given together"},
		{timetable.Spec{Every: time.Second - 1}, "every 999.999999ms; want 1s"},
		{timetable.Spec{Every: -time.Minute}, "every -1m0s; want 1s"},
		{timetable.Spec{Every: time.Second + time.Microsecond}, "whole milliseconds"},
		{timetable.Spec{Every: 1<<63 - 1}, "100 years"},
		{timetable.Spec{Cron: "@daily", Timezone: "Europe/Pari"}, `timezone "Europe/Pari"; want an IANA name`},
		{timetable.Spec{Cron: "@daily", Timezone: "Local"}, `timezone "Local"`},
		{timetable.Spec{Cron: "@daily", Timezone: "../../etc/passwd"}, "timezone"},
		{timetable.Spec{Cron: "@daily", Timezone: strings.Repeat("x", 9999)}, `..."; want an IANA name`},
		{timetable.Spec{Cron: "@daily", Start: noon, End: noon.Add(-1)}, "end 2026-11-01T11:59:59Z is before start 2026-11-01T12:00:00Z"},
		{timetable.Spec{Cron: "0 11 * * *", Start: noon, End: noon.Add(time.Hour)}, "0 11 * * * in UTC from 2026-11-01T12:00:00Z until 2026-11-01T13:00:00Z never fires"},
		{timetable.Spec{Cron: "0 0 31 2 *"}, "never fires"},
		{timetable.Spec{Cron: "0 0 30 2 *", Timezone: "Europe/Paris"}, "never fires"},
		{timetable.Spec{Cron: "0 0 31 4,6,9,11 *"}, "never fires"},
		{timetable.Spec{Cron: "\t "}, "0 fields"},
		{timetable.Spec{Cron: "* * * *"}, "4 fields; want 5"},
		{timetable.Spec{Cron: "* * * * * * *"}, "7 fields; want 5"},
		{timetable.Spec{Cron: "60 * * * *"}, `field 1 (minute): "60"; want 0-59`},
		{timetable.Spec{Cron: "0 60 * * * *"}, `field 2 (minute): "60"; want 0-59`},
		{timetable.Spec{Cron: "60 * * * * *"}, `field 1 (second): "60"; want 0-59`},
		{timetable.Spec{Cron: "0 24 * * *"}, `field 2 (hour): "24"; want 0-23`},
		{timetable.Spec{Cron: "0 0 0 * *"}, `field 3 (day of month): "0"; want 1-31`},
		{timetable.Spec{Cron: "0 0 * 13 *"}, `field 4 (month): "13"; want 1-12 or jan-dec`},
		{timetable.Spec{Cron: "0 0 * foo *"}, `"foo"; want 1-12 or jan-dec`},
		{timetable.Spec{Cron: "0 0 * * 8"}, `field 5 (day of week): "8"; want 0-7 or sun-sat`},
		{timetable.Spec{Cron: "0 0 * * Monday"}, `"Monday"; want 0-7 or sun-sat, here mon`},
		{timetable.Spec{Cron: "1,,2 * * * *"}, `field 1 (minute): ""; want 0-59`},
		{timetable.Spec{Cron: "+5 * * * *"}, `"+5"`},
		{timetable.Spec{Cron: "-5 * * * *"}, `""; want 0-59`},
		{timetable.Spec{Cron: "5- * * * *"}, `""; want 0-59`},
		{timetable.Spec{Cron: "*-5 * * * *"}, `"*"; want 0-59`},
		{timetable.Spec{Cron: "٣ * * * *"}, `"٣"; want 0-59`},
		{timetable.Spec{Cron: "*/0 * * * *"}, `step "0"; want 1-60`},
		{timetable.Spec{Cron: "*/ * * * *"}, `step ""; want 1-60`},
		{timetable.Spec{Cron: "*/90 * * * *"}, `step "90"; want 1-60, or the schedule's every: 90m in place of cron`},
		{timetable.Spec{Cron: "*/2/3 * * * *"}, `step "2/3"`},
		{timetable.Spec{Cron: "*/99999999999999999999 * * * *"}, "want 1-60"},
		{timetable.Spec{Cron: "0 22-2 * * *"}, `field 2 (hour): range "22-2" runs backwards`},
		{timetable.Spec{Cron: "0 0 ? * *"}, `"?"; want 1-31, or * for any`},
		{timetable.Spec{Cron: "0 0 L * *"}, `"L"; want 1-31; L, W and # are not read`},
		{timetable.Spec{Cron: "0 0 * * 5#3"}, `"5#3"; want 0-7 or sun-sat; L, W and # are not read`},
		{timetable.Spec{Cron: "H 0 * * *"}, `"H"; want 0-59; H is not read, a jitter spreads jobs`},
		{timetable.Spec{Cron: "0 0 12 * * ? 2030"}, "7 fields; want 5 (minute hour day month weekday) or 6 (with seconds in front); years are said by start and end"},
		{timetable.Spec{Cron: "0 */25 * * *"}, `step "25"; want 1-24, or the schedule's every: 25h in place of cron`},
		{timetable.Spec{Cron: "0 0 * * */8"}, `step "8"; want 1-7`},
		{timetable.Spec{Cron: "CRON_TZ=America/New_York 0 9 * * MON-FRI"}, `cron "CRON_TZ=America/New_York 0 9 * * MON-FRI" has a zone in it; want cron "0 9 * * MON-FRI" and timezone "America/New_York"`},
		{timetable.Spec{Cron: "@every 90s"}, "want the schedule's every instead: every: 90s"},
		{timetable.Spec{Cron: "@Every"}, "@Every is not cron; want the schedule's every instead"},
		{timetable.Spec{Cron: "@reboot"}, "@reboot has no time"},
		{timetable.Spec{Cron: "@Noon"}, "@Noon; want @hourly"},
		{timetable.Spec{Manual: true, Cron: "@daily"}, "manual is given with cron"},
		{timetable.Spec{Manual: true, End: noon}, "want it alone, or left out"},
		{timetable.Spec{Cron: "@daily *"}, "@daily *; want @hourly"},
		{timetable.Spec{Cron: strings.Repeat("0,", 999)}, "1998 bytes long; want at most 512"},
	} {
		tt, err := timetable.Parse(c.spec)
		if tt != nil || !errors.Is(err, drayhorse.ErrInvalid) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("Parse(%+v) = %v, %v; want an ErrInvalid with %q", c.spec, tt, err, c.want)
		}
	}
}

func TestEvery(t *testing.T) {
	t.Parallel()
	wantTicks(t, parse(t, timetable.Spec{Every: 90 * time.Second, Timezone: "Asia/Tokyo"}), instant(t, "1969-12-31T23:58:31Z"),
		"1970-01-01T09:00:00+09:00", "1970-01-01T09:01:30+09:00", "1970-01-01T09:03:00+09:00")

	tick := parse(t, timetable.Spec{Every: 1500 * time.Millisecond}).Next(time.UnixMilli(3000).Add(-1))
	if tick.UnixMilli() != 3000 {
		t.Errorf("tick %v, want 3 s after the epoch", tick)
	}
}

func TestStartAndEnd(t *testing.T) {
	t.Parallel()
	tt := parse(t, timetable.Spec{Cron: "0 * * * *", Start: instant(t, "2026-11-01T12:00:00Z"), End: instant(t, "2026-11-01T13:00:00Z")})
	wantTicks(t, tt, time.Time{}, "2026-11-01T12:00:00Z", "2026-11-01T13:00:00Z", "0001-01-01T00:00:00Z")

	for until, want := range map[string]string{
		"2026-11-01T11:59:59Z": "0001-01-01T00:00:00Z",
		"2026-11-01T12:00:00Z": "2026-11-01T12:00:00Z",
		"2026-11-01T12:59:59Z": "2026-11-01T12:00:00Z",
		"2099-01-01T00:00:00Z": "2026-11-01T13:00:00Z",
	} {
		if got := tt.Last(instant(t, until)).Format(layout); got != want {
			t.Errorf("Last(%s) = %s, want %s", until, got, want)
		}
	}
}

// TestFarTimes: whatever clock asks, the answer comes and is in order.
func TestFarTimes(t *testing.T) {
	t.Parallel()
	for _, spec := range []timetable.Spec{{Cron: "@hourly", Timezone: "Europe/Paris"}, {Every: time.Hour}} {
		tt := parse(t, spec)
		for _, at := range []time.Time{time.Unix(-1<<62, 0), {}, time.Unix(1<<62, 0), time.Date(9999, 12, 31, 23, 59, 59, 0, time.UTC)} {
			if next := tt.Next(at); !next.IsZero() && !next.After(at) {
				t.Errorf("%s: Next(%v) = %v", tt, at, next)
			}
			if last := tt.Last(at); !last.IsZero() && last.After(at) {
				t.Errorf("%s: Last(%v) = %v", tt, at, last)
			}
		}
	}
}

func TestString(t *testing.T) {
	t.Parallel()
	tt := parse(t, timetable.Spec{Cron: " 30  2 * * * ", Timezone: "Europe/Paris", Start: instant(t, "2026-11-01T12:00:00Z")})
	if got, want := tt.String(), "30 2 * * * in Europe/Paris from 2026-11-01T12:00:00Z"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if got := parse(t, timetable.Spec{Every: 90 * time.Second}).String(); got != "every 1m30s" {
		t.Errorf("got %q", got)
	}
}

// A schedule that is only triggered has no ticks.
func TestManual(t *testing.T) {
	t.Parallel()
	table := parse(t, timetable.Spec{Manual: true})
	now := instant(t, "2026-11-01T00:00:00Z")
	if next, last := table.Next(now), table.Last(now); !next.IsZero() || !last.IsZero() || table.String() != "by hand" {
		t.Errorf("%s: next %v, last %v; want none", table, next, last)
	}
}

func TestCutZone(t *testing.T) {
	t.Parallel()
	for expr, want := range map[string][2]string{
		"CRON_TZ=America/New_York 0 9 * * MON-FRI": {"America/New_York", "0 9 * * MON-FRI"},
		" TZ=UTC  @daily ":                         {"UTC", "@daily"},
		"tz=Asia/Tokyo * * * * *":                  {"Asia/Tokyo", "* * * * *"},
		"TZ=UTC":                                   {"UTC", ""},
		"0 9 * * *":                                {"", "0 9 * * *"},
		"XTZ=UTC 0 9 * * *":                        {"", "XTZ=UTC 0 9 * * *"},
		"":                                         {"", ""},
	} {
		if zone, rest := timetable.CutZone(expr); zone != want[0] || rest != want[1] {
			t.Errorf("%q: zone %q, rest %q; want %q", expr, zone, rest, want)
		}
	}
}
