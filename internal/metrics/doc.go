// Package metrics is what the programs count in common, for Prometheus: how they
// reach Redis, how long the queues are, what producers put in. Workers and
// schedulers of one process share a registerer, and with it these metrics.
package metrics
