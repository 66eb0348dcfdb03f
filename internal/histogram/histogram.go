// Package histogram counts times by their length, in buckets that are narrow enough for
// percentiles within 5 %: ten in each doubling, from 10 µs on, and one for each µs below.
// Workers, scripts and readers have them in common, so their numbers never change.
package histogram

import (
	"math/bits"
	"time"
)

const (
	perDoubling = 10
	doublings   = 41 // up to 250 days

	// Buckets is how many there are. The last one has all that is longer, too.
	Buckets = perDoubling * (doublings + 1)
)

// Bucket is the number of the bucket of a time. Negative times count as 0.
func Bucket(d time.Duration) int {
	us := uint64(max(d, 0).Microseconds()) //nolint:gosec // not negative
	if us < perDoubling {
		return int(us) //nolint:gosec // below 10
	}
	doubled := bits.Len64(us/perDoubling) - 1
	within := us>>doubled - perDoubling
	return min(perDoubling*(doubled+1)+int(within), Buckets-1) //nolint:gosec // below 10
}

// Value is the time that stands for those of a bucket: none of them is farther than 5 % from it,
// apart from the µs that a bucket below 10 µs is wide.
func Value(bucket int) time.Duration {
	if bucket < perDoubling {
		return time.Duration(max(bucket, 0)) * time.Microsecond
	}
	doubled, within := bucket/perDoubling-1, bucket%perDoubling
	low, high := int64(perDoubling+within)<<doubled, int64(perDoubling+within+1)<<doubled
	if doubled == 0 {
		return time.Duration(low) * time.Microsecond
	}
	return time.Duration(2*float64(low)*float64(high)/float64(low+high)) * time.Microsecond
}

// Histogram is how many times are in each bucket.
type Histogram [Buckets]int64

// Count is how many times there are.
func (h *Histogram) Count() (n int64) {
	for _, of := range h {
		n += of
	}
	return n
}

// Quantiles gives, for each share of all times from 0 to 1 in rising order, one that as many
// are not longer than; 0 where there are no times.
func (h *Histogram) Quantiles(shares ...float64) []time.Duration {
	all := make([]time.Duration, len(shares))
	total := h.Count()
	if total == 0 {
		return all
	}
	var seen int64
	at := 0
	for bucket, n := range h {
		if n == 0 {
			continue
		}
		seen += n
		for at < len(shares) && float64(seen) >= shares[at]*float64(total) {
			all[at] = Value(bucket)
			at++
		}
	}
	return all
}
