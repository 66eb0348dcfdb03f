package histogram

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"
)

func TestBucketsFollowEachOther(t *testing.T) {
	t.Parallel()
	last := -1
	for us := int64(0); us < 1<<47; us += max(us/997, 1) {
		b := Bucket(time.Duration(us) * time.Microsecond)
		if b != last && b != last+1 {
			t.Fatalf("%d us are in bucket %d, those before in %d", us, b, last)
		}
		last = b
		value := Value(b).Microseconds()
		if off := math.Abs(float64(value-us)) / float64(max(us, 1)); off > 0.05 && b < Buckets-1 {
			t.Fatalf("%d us count as %d us, which is off by %.1f %%", us, value, 100*off)
		}
	}
	if last != Buckets-1 {
		t.Errorf("the last bucket is %d, want %d", last, Buckets-1)
	}
	if Bucket(-time.Hour) != 0 || Bucket(1<<62) != Buckets-1 {
		t.Errorf("ends are in %d and %d", Bucket(-time.Hour), Bucket(1<<62))
	}
}

func TestQuantilesAreWithin5Percent(t *testing.T) {
	t.Parallel()
	shares := []float64{0.01, 0.5, 0.9, 0.95, 0.99, 1}
	random := rand.New(rand.NewPCG(1, 2))
	for name, draw := range map[string]func() float64{
		"even":        func() float64 { return random.Float64() * 1e6 },
		"exponential": func() float64 { return random.ExpFloat64() * 20_000 },
		"two lengths": func() float64 { return []float64{1500, 90_000_000}[random.IntN(2)] },
		"log-normal":  func() float64 { return math.Exp(8 + 3*random.NormFloat64()) },
	} {
		h, all := Histogram{}, make([]time.Duration, 20_001)
		for i := range all {
			all[i] = time.Duration(draw()+20) * time.Microsecond
			h[Bucket(all[i])]++
		}
		slices.Sort(all)
		for i, got := range h.Quantiles(shares...) {
			want := all[int(math.Ceil(shares[i]*float64(len(all))))-1]
			if off := math.Abs(float64(got-want)) / float64(want); off > 0.05 {
				t.Errorf("%s: %v of the times are up to %v, want %v", name, shares[i], got, want)
			}
		}
	}
	if got := (&Histogram{}).Quantiles(0.5); got[0] != 0 {
		t.Errorf("of no times one half is up to %v", got[0])
	}
}
