// Package registry lists the workers that run: each says every few seconds what it
// is and what it does, and is dropped when nothing was heard of it for a while. It
// is for people to look at. Nothing depends on it: who holds which job is told by
// leases alone, and a worker that cannot announce itself works on.
//
// A row is written whole by one script, whatever number of workers there are, in
// two keys that expire with the last of them. Redis's clock says how old a row is.
// If it jumps ahead, the list is empty until all have announced themselves again;
// if it falls back, rows from before are not believed.
package registry
