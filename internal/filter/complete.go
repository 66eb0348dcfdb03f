package filter

import (
	"slices"
	"strings"

	"github.com/drayhorse/drayhorse"
)

// maxOffered is how many texts Complete gives.
const maxOffered = 50

// Complete gives what a text may become when its last term is completed: by the name of a term
// where it has none yet, else by a value. The texts are in order, and 50 at most. Values gives
// those of a term that somebody knows, such as the names of queues; nil: nobody knows any. States,
// priorities and times need nobody.
func Complete(text string, values func(term string) []string) []string {
	begin, given := lastTerm(text)
	head, term := text[:begin], text[begin:]
	if strings.HasPrefix(term, `"`) {
		return nil
	}
	name, typed, hasName := strings.Cut(term, ":")
	var offered []string
	if !hasName {
		for _, name := range Names() {
			name, path := strings.CutSuffix(name, "PATH")
			if !path {
				name += ":"
			}
			if startsWith(name, term) && !given[strings.TrimSuffix(name, ":")] {
				offered = append(offered, head+name)
			}
		}
		return offered
	}
	typed = strings.TrimPrefix(typed, `"`) // names need no quotes
	for _, value := range valuesOf(name, values) {
		if startsWith(value, typed) && value != typed {
			offered = append(offered, head+name+":"+value)
		}
	}
	return offered[:min(len(offered), maxOffered)]
}

// lastTerm gives where the last term of a text begins, which may be its end, and which terms are
// in front of it that come once.
func lastTerm(text string) (begin int, given map[string]bool) {
	given = map[string]bool{}
	for at := skipSpaces(text, 0); at < len(text); at = skipSpaces(text, at) {
		begin = at
		name, found := nameAt(text, at)
		if found {
			at += len(name) + 1
		}
		_, next, err := readValue(text, at)
		if err != nil || next == len(text) {
			return begin, given
		}
		at, given[name] = next, found && !repeats(name)
	}
	return len(text), given
}

// valuesOf gives the values of a term, in order.
func valuesOf(name string, known func(term string) []string) []string {
	switch name {
	case "state":
		return strings.Split(states(), ", ")
	case "priority":
		return []string{drayhorse.Low.String(), drayhorse.Normal.String(), drayhorse.High.String(), drayhorse.Urgent.String()}
	case "before", "after":
		return []string{"15m", "1h", "6h", "1d", "1w"}
	}
	if known == nil || forms[name] == "" {
		return nil
	}
	return slices.Compact(slices.Sorted(slices.Values(known(name))))
}

func startsWith(value, begun string) bool {
	return len(value) >= len(begun) && strings.EqualFold(value[:len(begun)], begun)
}
