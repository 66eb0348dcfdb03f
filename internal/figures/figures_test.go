package figures_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/drayhorse/drayhorse/internal/figures"
)

func TestNumbersForPeople(t *testing.T) {
	t.Parallel()
	for got, want := range map[string]string{
		figures.Count(1234567): "1,234,567", figures.Count(-1000): "-1,000", figures.Count(999): "999", figures.Brief(99_999): "99,999", figures.Brief(123_456): "123k", figures.Brief(10_234_567): "10.2M",
		figures.Rate(-1): "–", figures.Rate(0.004): "<0.01", figures.Rate(0.5): "0.5", figures.Rate(0.996): "1", figures.Rate(7): "7", figures.Rate(1234.4): "1,234", figures.Size(100): "100 B", figures.Size(3 << 20): "3.0 MiB",
		figures.Rough(90 * time.Second): "1m 30s", figures.Rough(48 * time.Hour): "2d", figures.Rough(2500 * time.Microsecond): "2 ms", figures.Rough(-time.Second): "0 µs", figures.Took(2345 * time.Millisecond): "2.3s", figures.Took(5 * time.Second): "5s", figures.Took(999 * time.Millisecond): "999 ms", figures.Took(90 * time.Second): "1m 30s",
		figures.When(time.UnixMilli(0), time.UnixMilli(5000)).Rough: "5s ago", figures.When(time.UnixMilli(9000), time.UnixMilli(0)).Rough: "in 9s", figures.When(time.Time{}, time.UnixMilli(0)).Rough: "",
		figures.Exact(time.UnixMilli(1500)): "1970-01-01 00:00:01.500 UTC", figures.Exact(time.UnixMilli(1000)): "1970-01-01 00:00:01 UTC",
		fmt.Sprint(figures.Percent(1, 3), figures.Percent(7, 5), figures.Percent(1, 0)): "33 100 0",
	} {
		if got != want {
			t.Errorf("got %q; want %q", got, want)
		}
	}
}
