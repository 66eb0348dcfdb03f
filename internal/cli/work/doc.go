// Package work is the worker daemon: handlers made of configuration, run by a
// worker.Worker.
package work
