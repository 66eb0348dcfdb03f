// Package events keeps in Redis what happens to jobs, and what operators do, for those who
// listen: one stream for each namespace, bounded in bytes, in time and in events a second.
// Nothing is kept while nobody listens.
//
// Workers append what became of the attempts that Redis knows of, beside their work and many at
// once, and operators what they have done. It is for people and programs that look on; nothing
// depends on it. An event is appended at most once, and one is missing where its process dies
// before it has told. Who reads is told how many were left out, or are not kept any more.
//
// Events are numbered one after the other, with those that were left out: a gap between two
// numbers says how many are missing. An ID is EPOCH-NUMBER; numbers begin anew, in another epoch,
// where Redis has lost them, or nobody has listened for an hour.
//
// Workers learn that somebody listens with what they announce to the registry every few seconds,
// under the same hash tag.
package events
