package httpapi

import (
	"fmt"
	"slices"
	"strings"

	"github.com/drayhorse/drayhorse"
)

// Scope is a set of jobs: those of a queue, written QUEUE, or those of a kind in it,
// written QUEUE/KIND. "*" stands for all queues, or all kinds, there are and will be.
type Scope []string

const every = "*"

// split gives the queue and the kind of an entry.
func split(entry string) (queue, kind string) {
	queue, kind, found := strings.Cut(entry, "/")
	if !found {
		kind = every
	}
	return queue, kind
}

func (s Scope) any(match func(queue, kind string) bool) bool {
	return slices.ContainsFunc(s, func(entry string) bool { return match(split(entry)) })
}

// has reports whether jobs of a kind in a queue are in the scope.
func (s Scope) has(queue, kind string) bool {
	return s.any(func(q, k string) bool { return (q == every || q == queue) && (k == every || k == kind) })
}

// hasQueue reports whether jobs of some kind in a queue are.
func (s Scope) hasQueue(queue string) bool {
	return s.any(func(q, _ string) bool { return q == every || q == queue })
}

// hasAll reports whether all jobs of a queue are, whatever their kind.
func (s Scope) hasAll(queue string) bool {
	return s.any(func(q, k string) bool { return (q == every || q == queue) && k == every })
}

// queues gives the queues that are named, or all: there are entries for any queue.
func (s Scope) queues() (names []string, all bool) {
	for _, entry := range s {
		queue, _ := split(entry)
		if queue == every {
			return nil, true
		}
		if !slices.Contains(names, queue) {
			names = append(names, queue)
		}
	}
	return names, false
}

func (s Scope) validate() error {
	for _, entry := range s {
		queue, kind := split(entry)
		if err := drayhorse.ValidateQueue(queue); queue != every && err != nil {
			return fmt.Errorf("%w, or * for all, or QUEUE/KIND", err)
		}
		if err := drayhorse.ValidateKind(kind); kind != every && err != nil {
			return fmt.Errorf("%w, or * for all", err)
		}
	}
	return nil
}
