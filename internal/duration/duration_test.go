package duration_test

import (
	"testing"
	"time"

	"github.com/drayhorse/drayhorse/internal/duration"
)

func TestDurationsHaveDaysAndWeeks(t *testing.T) {
	t.Parallel()
	const day = 24 * time.Hour
	for text, want := range map[string]time.Duration{
		"7d": 7 * day, "2w": 14 * day, "1w2d3h4m": 9*day + 3*time.Hour + 4*time.Minute, "1.5d": 36 * time.Hour, ".5w": 84 * time.Hour,
		"-1d": -day, "0d": 0, "90s": 90 * time.Second, "1h30m": 90 * time.Minute,
	} {
		if got, err := duration.Parse(text); err != nil || got != want {
			t.Errorf("%s: %v, %v; want %v", text, got, err, want)
		}
	}
	for _, text := range []string{"7", "d", "7 d", "1y", "200000w", "1D", "7dd", ""} {
		if got, err := duration.Parse(text); err == nil {
			t.Errorf("%q: %v; want an error", text, got)
		}
	}
}

func TestDurationsAreWrittenAsPeopleDo(t *testing.T) {
	t.Parallel()
	for want, d := range map[string]time.Duration{
		"1m": time.Minute, "1h": time.Hour, "1h30m": 90 * time.Minute, "1m30s": 90 * time.Second, "1h0m5s": time.Hour + 5*time.Second, "10m": 10 * time.Minute,
		"0s": 0, "100ms": 100 * time.Millisecond, "10s": 10 * time.Second, "20h": 20 * time.Hour, "-1m": -time.Minute, "-10m5s": -10*time.Minute - 5*time.Second,
	} {
		if got := duration.Format(d); got != want {
			t.Errorf("%v: %s, want %s", d, got, want)
		}
	}
}

// FuzzParse: what is read is what time.ParseDuration reads of text without days, and is
// read again from how it is written.
func FuzzParse(f *testing.F) {
	for _, text := range []string{"7d", "1w2d3h", ".5w", "1.d", "-1d", "9999999999w", "1e3d", "1h", "", "d", "1µs"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		d, err := duration.Parse(text)
		if plain, failed := time.ParseDuration(text); failed == nil && (err != nil || d != plain) {
			t.Errorf("%q: %v, %v; want %v", text, d, err, plain)
		}
		if err != nil {
			return
		}
		for _, written := range []string{d.String(), duration.Format(d)} {
			if again, err := duration.Parse(written); err != nil || again != d {
				t.Errorf("%q: %s, then %v, %v", text, written, again, err)
			}
		}
	})
}
