// Package chaos shows what survives. Its tests run producers, workers and
// schedulers as processes of the operating system against real Redis servers,
// break something while jobs flow, and judge what came of every single job.
//
//	go test -v ./test/chaos -row worker-killed -seed 7    one fault
//	go test -v -timeout 1h ./test/chaos -row all          all of them but the soak
//	go test -v -timeout 1h ./test/chaos -soak 30m         random faults
//
// Without flags a few rows run on little traffic, beside the tests of the oracle
// itself. docs/reliability.md has the figures.
//
// # History
//
// Every process writes down what it does, one line of JSON an event, in a file of
// its own, and waits for the disk before it goes on: what it is about to enqueue
// and what was acknowledged, which execution of which job began and how it ended.
// Nothing in the history comes from Redis, except for the last page: the auditor
// lists what Redis says became of each job when all is quiet.
//
// # Oracle
//
// The oracle reads nothing but the history. Jobs have keys that their producers
// chose and that travel in their arguments, so that a copy of a job is seen as one.
// The names of its findings are those of Jepsen's total-queue: lost, unexpected,
// duplicated, recovered; and re-run, which at-least-once allows. A call that failed
// may have happened.
package chaos
