package metrics

import (
	"errors"

	"github.com/prometheus/client_golang/prometheus"
)

// Register adds collectors to r. nil r: nothing is to be done. The error is r's.
func Register(r prometheus.Registerer, collectors ...prometheus.Collector) error {
	if r == nil {
		return nil
	}
	for _, c := range collectors {
		if err := r.Register(c); err != nil {
			return err
		}
	}
	return nil
}

// share adds c to r, or gives the one that another part of the process has added.
func share[C prometheus.Collector](r prometheus.Registerer, c C) (C, error) {
	err := Register(r, c)
	if known, ok := errors.AsType[prometheus.AlreadyRegisteredError](err); ok {
		if first, ok := known.ExistingCollector.(C); ok {
			return first, nil
		}
	}
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
