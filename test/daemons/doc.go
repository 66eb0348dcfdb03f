// Package daemons tests the programs as they are deployed: real processes of the
// producer, the worker, the scheduler and the operator's tool, on every kind of
// Redis, with every kind of answer to a webhook, and killed midway. It has no code
// of its own.
package daemons
