package timetable_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/drayhorse/drayhorse"
	"github.com/drayhorse/drayhorse/internal/timetable"
)

// FuzzParse: any text is refused as ErrInvalid or gives ticks that rise, at once.
func FuzzParse(f *testing.F) {
	for _, cron := range []string{
		"* * * * *", "*/5 0-6,22 1,15 jan-mar mon", "0 30 2 * * *", "0 0 29 2 */7", "0 0 31 2 *", "@daily", "@every 1s",
		"", " ", "@", "60 * * * *", "1,,2 * * * *", "5-1 * * * *", "*/0 * * * *", "*/99999999999999999999 * * * *",
		"0 0 1 1 H" + strings.Repeat("\xab", 490), "@" + strings.Repeat("\xab", 490),
		"* * * * fri-sun", "? ? ? ? ?", "TZ=UTC * * * * *", "0 0 L * 5#3", "-- // ,, ** @@", "\x00 \xff * * *", "٣ * * * *",
	} {
		f.Add(cron, "Europe/Paris", int64(1_774_000_000))
		f.Add(cron, "", int64(0))
	}
	f.Add("30 2 * * *", "Local", int64(1))
	f.Add("30 2 * * *", "../x", int64(-1<<63))
	f.Fuzz(func(t *testing.T, cron, zone string, unix int64) {
		tt, err := timetable.Parse(timetable.Spec{Cron: cron, Timezone: zone})
		if err != nil {
			if tt != nil || !errors.Is(err, drayhorse.ErrInvalid) || len(err.Error()) > 2048 {
				t.Fatalf("Parse(%q, %q) = %v, %v", cron, zone, tt, err)
			}
			return
		}
		again, err := timetable.Parse(timetable.Spec{Cron: cron, Timezone: zone})
		if err != nil {
			t.Fatalf("%s: not valid the second time: %v", tt, err)
		}
		at := time.Unix(unix, 0)
		for range 3 {
			next := tt.Next(at)
			if next.IsZero() {
				return // after the year 9999
			}
			if !next.After(at) || !next.Equal(again.Next(at)) {
				t.Fatalf("%s: after %v comes %v", tt, at, next)
			}
			at = next
		}
	})
}

// FuzzCutZone: what is left of an expression has no zone less than it had, and a zone is
// never dropped.
func FuzzCutZone(f *testing.F) {
	for _, expr := range []string{"TZ=UTC * * * * *", " CRON_TZ=Europe/Paris  @daily", "TZ=", "tz=x", "=", "0 3 * * *", "TZ=a TZ=b * * * * *", "\xff=TZ"} {
		f.Add(expr)
	}
	f.Fuzz(func(t *testing.T, expr string) {
		zone, rest := timetable.CutZone(expr)
		if zone == "" && rest != expr {
			t.Errorf("%q: no zone, and %q is left", expr, rest)
		}
		if zone != "" && (!strings.Contains(expr, "="+zone) || !strings.HasSuffix(strings.TrimSpace(expr), rest)) {
			t.Errorf("%q: zone %q, and %q is left", expr, zone, rest)
		}
	})
}
