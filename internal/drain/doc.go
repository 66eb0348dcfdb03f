// Package drain moves the tasks of an asynq installation to Drayhorse while its
// producers go on writing.
//
// A task is stored here, under its own ID, before it is removed there, and one ID is
// stored once. So a drain may be killed at any moment: what it did not get to is
// still there, what it stored but did not remove is known the next time, and nothing
// is lost or doubled. An ID is known as long as its job is, and for a day after it
// has ended; that is how long a drain that was killed may wait for the next one.
//
// The queues are paused in asynq first, so that no asynq worker takes a task between
// the two steps. Producers do not mind; tasks that run go on, and asynq's workers
// finish them.
//
// All is done through asynq's Inspector. Its Server could take pending tasks as well,
// but it must be killed at no moment: asynq counts what is in its hands then as a
// failed attempt, and archives what has no other left.
package drain
