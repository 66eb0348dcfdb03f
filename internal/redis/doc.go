// Package redis is the one place that knows how to reach Redis: from a URL or an
// application's client to a client with the settings that the engine needs, the
// loader of scripts, the checks of the server and the classes of its errors. It
// is a leaf: jobs, lock and schedules stand on it.
//
// Two settings matter. Retries are off, because go-redis repeats a command whose
// reply was lost, and a repeat that nobody knows of makes a second copy. And
// blocking waits have connections of their own, so that a hundred idle workers
// do not starve the calls of the busy ones.
package redis
