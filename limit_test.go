package drayhorse_test

import (
	"errors"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/drayhorse/drayhorse"
)

func TestImpossibleLimitsAreNamed(t *testing.T) {
	for want, l := range map[string]drayhorse.Limit{
		`name "a b" of a limit`:            {Name: "a b", Queue: "q", Concurrency: 1},
		"Queue and Kind are empty":         {Name: "l", Concurrency: 1},
		`"a/b"`:                            {Name: "l", Queue: "a/b", Concurrency: 1},
		"it limits nothing":                {Name: "l", Queue: "q"},
		"Concurrency -1; want 1":           {Name: "l", Queue: "q", Concurrency: -1},
		"Rate of 0 jobs":                   {Name: "l", Queue: "q", Rate: drayhorse.Rate{Per: time.Second}},
		"Rate per 0s; want 1ms":            {Name: "l", Queue: "q", Rate: drayhorse.Rate{Jobs: 1}},
		"Rate per 9000h0m0s; want 1ms to":  {Name: "l", Queue: "q", Rate: drayhorse.Rate{Jobs: 1, Per: 9000 * time.Hour}},
		"Breaker.Rate 50; want 0.001 to 1": {Name: "l", Queue: "q", Breaker: drayhorse.Breaker{Rate: 50, Window: time.Minute, CoolDown: time.Minute}},
		"Breaker.Rate NaN":                 {Name: "l", Queue: "q", Breaker: drayhorse.Breaker{Rate: math.NaN(), Window: time.Minute, CoolDown: time.Minute}},
		"Breaker.Min -1; want 1":           {Name: "l", Queue: "q", Breaker: drayhorse.Breaker{Rate: 0.5, Min: -1, Window: time.Minute, CoolDown: time.Minute}},
		"Breaker.Window 0s; want 1s":       {Name: "l", Queue: "q", Breaker: drayhorse.Breaker{Rate: 0.5, CoolDown: time.Minute}},
		"Breaker.CoolDown 25h0m0s; want":   {Name: "l", Queue: "q", Breaker: drayhorse.Breaker{Rate: 0.5, Window: time.Minute, CoolDown: 25 * time.Hour}},
		"Breaker.Probes 101; want 1":       {Name: "l", Queue: "q", Breaker: drayhorse.Breaker{Rate: 0.5, Window: time.Minute, CoolDown: time.Minute, Probes: 101}},
		"a Breaker of each group":          {Name: "l", Queue: "q", PerGroup: true, Breaker: drayhorse.Breaker{Rate: 0.5, Window: time.Minute, CoolDown: time.Minute}},
		"Burst -1; want 1":                 {Name: "l", Queue: "q", Rate: drayhorse.Rate{Jobs: 1, Per: time.Second, Burst: -1}},
	} {
		if err := l.Validate(); !errors.Is(err, drayhorse.ErrInvalid) || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%+v: %v; want ErrInvalid with %s", l, err, want)
		}
	}
	l := drayhorse.Limit{Name: "l", Queue: "q", Concurrency: 3, Rate: drayhorse.Rate{Jobs: 7, Per: time.Second}}
	if most, every, burst := l.Terms(); l.Validate() != nil || most != 3 || every != 142_858 || burst != 1 {
		t.Errorf("%v: %d, %d, %d; want 3, a start each 142,858 us, 1", l.Validate(), most, every, burst)
	}
}

func TestRatesAsText(t *testing.T) {
	for text, want := range map[string]drayhorse.Rate{"100/1m": {Jobs: 100, Per: time.Minute}, "1/500ms": {Jobs: 1, Per: 500 * time.Millisecond}} {
		got, err := drayhorse.ParseRate(text)
		again, againErr := drayhorse.ParseRate(got.String())
		if err != nil || againErr != nil || got != want || again != want {
			t.Errorf("%s: %+v, %v and %+v, %v", text, got, err, again, againErr)
		}
	}
	for _, text := range []string{"", "100", "/1m", "x/1m", "100/", "100/1", "0/1m", "1/-1s", "1/0s", "1/1m/1m"} {
		if _, err := drayhorse.ParseRate(text); !errors.Is(err, drayhorse.ErrInvalid) || !strings.Contains(err.Error(), "as in 100/1m") {
			t.Errorf("%q: %v; want ErrInvalid", text, err)
		}
	}
}

// FuzzParseRate: what is read is a rate of some jobs in some time, and is read again from how
// it is written.
func FuzzParseRate(f *testing.F) {
	for _, text := range []string{"100/1m", "1/1d", "5/0.5s", "1/", "/1m", "100", "9999999999999999999/1s", "1/1w2d", "-1/1s", "1/1m/1m"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		rate, err := drayhorse.ParseRate(text)
		if err != nil {
			if !errors.Is(err, drayhorse.ErrInvalid) || strings.Contains(err.Error(), "\n") || len(err.Error()) > 600 {
				t.Errorf("%q: %q", text, err)
			}
			return
		}
		if again, err := drayhorse.ParseRate(rate.String()); rate.Jobs < 1 || rate.Per <= 0 || err != nil || again != rate {
			t.Errorf("%q: %+v, then %+v, %v", text, rate, again, err)
		}
	})
}
