// Package limits declares limits in queues, and has those that queues or partitions share be shared out.
//
// A limit of a queue with one partition, or of each group, is kept by the partition alone: the engine does that, where
// jobs are claimed. One that is over several partitions, or of a kind in all queues, is kept by shares: each partition
// has a part of the number of jobs that run at once, and of those that start at once, and keeps to that as to a limit of
// its own. So a claim asks nobody. What no partition could exceed is exact, and how well it is used depends on how soon
// the shares follow the jobs: workers look at their partitions each second, and tell what these have and need.
//
// One row for each limit says who has what: the hash limits, name -> row, and for each limit the hash grants,
// partition -> what it has. Both are of one slot. To take something away and give it to another takes two steps, the
// second when the first is known to have arrived; see balance.lua. So no loss, delay or repeat of a message lets more
// run than the limit: the idea is that of escrow (O'Neil, The Escrow Transactional Method, 1986), where here the rights
// themselves move.
package limits
