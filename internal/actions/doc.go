// Package actions keeps the actions in Redis: what an operator has done to all jobs that match
// a filter, how far that has come, and how it ended. Who runs one holds a lock of its ID;
// package admin runs them.
//
// A row is "token|begun_ms|ended_ms|text": the token of the lock under which it was written
// last, so that nobody writes who has lost the lock; the times, by Redis's clock, ended 0 while
// it has not; and what package admin makes of the action.
package actions
