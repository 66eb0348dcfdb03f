package main

import (
	"fmt"
	"strings"
)

// system is one that is measured.
type system struct {
	name       string
	open       func(url string, w workload) (session, error)
	drainsOnly bool // it has no producer of its own
}

var systems = []system{
	{name: "drayhorse", open: openDrayhorse},
	{name: "bare", open: openBare, drainsOnly: true},
	{name: "asynq", open: openAsynq},
	{name: "brpop", open: openBRPop},
}

func known() []string {
	names := make([]string, len(systems))
	for i, s := range systems {
		names[i] = s.name
	}
	return names
}

func choose(list string) ([]system, error) {
	var chosen []system
	for name := range strings.SplitSeq(list, ",") {
		found := false
		for _, s := range systems {
			if s.name == name {
				chosen, found = append(chosen, s), true
			}
		}
		if !found {
			return nil, fmt.Errorf("unknown system %q; want some of %s", name, strings.Join(known(), ", "))
		}
	}
	return chosen, nil
}
