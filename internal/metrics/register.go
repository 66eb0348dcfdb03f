package metrics

import (
	"errors"

	"github.com/prometheus/client_golang/prometheus"
)

// Register adds collectors to r. nil r: nothing is to be done. The error is r's.
func Register(r prometheus.Registerer, collectors ...prometheus.Collector) error {
	for _, c := range collectors {
		if r == nil {
			break
		}
		if err := r.Register(c); err != nil {
			return err
		}
	}
	return nil
}

// Share adds a collector to r, or puts the one that another part of the process has
// added in its place, so that both count in it. nil r: nothing is to be done. The error
// is r's.
func Share[C prometheus.Collector](r prometheus.Registerer, c *C) error {
	if r == nil {
		return nil
	}
	err := r.Register(*c)
	if known, ok := errors.AsType[prometheus.AlreadyRegisteredError](err); ok {
		if first, ok := known.ExistingCollector.(C); ok {
			*c = first
			return nil
		}
	}
	return err
}

// share is Share for what has no other place yet.
func share[C prometheus.Collector](r prometheus.Registerer, c C) (C, error) {
	err := Share(r, &c)
	return c, err
}

// Seconds are the buckets of times from least on, each four times the one before.
func Seconds(least float64, buckets int) []float64 {
	return prometheus.ExponentialBuckets(least, 4, buckets)
}

// Flag is the value of a gauge that says yes or no.
func Flag(yes bool) float64 {
	if yes {
		return 1
	}
	return 0
}
