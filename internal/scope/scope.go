// Package scope says which jobs somebody may see or touch: those of the HTTP door's tokens, and
// of the dashboard's users.
package scope

import (
	"fmt"
	"slices"
	"strings"

	"github.com/drayhorse/drayhorse"
)

// Scope is a set of jobs: those of a queue, written QUEUE, or those of a kind in it,
// written QUEUE/KIND. "*" stands for all queues, or all kinds, there are and will be.
type Scope []string

// Every stands for all queues, or all kinds.
const Every = "*"

// Split gives the queue and the kind of an entry.
func Split(entry string) (queue, kind string) {
	queue, kind, found := strings.Cut(entry, "/")
	if !found {
		kind = Every
	}
	return queue, kind
}

func (s Scope) any(match func(queue, kind string) bool) bool {
	return slices.ContainsFunc(s, func(entry string) bool { return match(Split(entry)) })
}

// Has reports whether jobs of a kind in a queue are in the scope.
func (s Scope) Has(queue, kind string) bool {
	return s.any(func(q, k string) bool { return (q == Every || q == queue) && (k == Every || k == kind) })
}

// HasQueue reports whether jobs of some kind in a queue are.
func (s Scope) HasQueue(queue string) bool {
	return s.any(func(q, _ string) bool { return q == Every || q == queue })
}

// HasAll reports whether all jobs of a queue are, whatever their kind.
func (s Scope) HasAll(queue string) bool {
	return s.any(func(q, k string) bool { return (q == Every || q == queue) && k == Every })
}

// Queues gives the queues that are named, or all: there are entries for any queue.
func (s Scope) Queues() (names []string, all bool) {
	for _, entry := range s {
		queue, _ := Split(entry)
		if queue == Every {
			return nil, true
		}
		if !slices.Contains(names, queue) {
			names = append(names, queue)
		}
	}
	return names, false
}

// Validate reports the first impossible entry, as drayhorse.ErrInvalid.
func (s Scope) Validate() error {
	for _, entry := range s {
		queue, kind := Split(entry)
		if err := drayhorse.ValidateQueue(queue); queue != Every && err != nil {
			return fmt.Errorf("%w, or * for all, or QUEUE/KIND", err)
		}
		if err := drayhorse.ValidateKind(kind); kind != Every && err != nil {
			return fmt.Errorf("%w, or * for all", err)
		}
	}
	return nil
}
