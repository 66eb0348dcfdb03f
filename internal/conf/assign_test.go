package conf_test

import (
	"reflect"
	"testing"
	"time"

	"github.com/drayhorse/drayhorse/internal/conf"
)

func TestDurationsHaveDaysAndWeeks(t *testing.T) {
	t.Parallel()
	const day = 24 * time.Hour
	for text, want := range map[string]time.Duration{
		"7d": 7 * day, "2w": 14 * day, "1w2d3h4m": 9*day + 3*time.Hour + 4*time.Minute, "1.5d": 36 * time.Hour, ".5w": 84 * time.Hour,
		"-1d": -day, "0d": 0, "90s": 90 * time.Second, "1h30m": 90 * time.Minute,
	} {
		var got time.Duration
		if err := conf.Assign(reflect.ValueOf(&got).Elem(), text); err != nil || got != want {
			t.Errorf("%s: %v, %v; want %v", text, got, err, want)
		}
	}
	for _, text := range []string{"7", "d", "7 d", "1y", "200000w", "1D", "7dd", ""} {
		var got time.Duration
		if err := conf.Assign(reflect.ValueOf(&got).Elem(), text); err == nil {
			t.Errorf("%q: %v; want an error", text, got)
		}
	}
}
