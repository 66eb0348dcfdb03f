// Package demo is the main job on real files: real worker processes compute the
// SHA-256 of every file of a source tree, one of them is killed on the way, and at
// the end every file's digest must be right and recorded exactly once. Meanwhile
// schedulers enqueue a periodic job that reports progress; the one that leads is
// killed too, and no tick may be missing or doubled.
//
// The demo starts everything itself, in processes of their own: a redis-server, or
// the embedded server where there is none, a producer that imports the jobs, two
// workers and two schedulers. It watches them as an operator would.
//
// # What is checked
//
// Three accounts of the same jobs, each kept by somebody else, must agree with the
// list of files; see [books]: what the producer had acknowledged, what the engine
// counted when it accepted finishes, and what the archive holds. A job that is
// lost, stored twice, finished twice or recorded with a wrong digest makes at least
// one of them differ, and then the demo fails.
//
// # What it leaves
//
// Nothing: however the demo ends, it ends its processes and removes its directory.
// On Linux the kernel ends them even when the demo is killed outright.
package demo
