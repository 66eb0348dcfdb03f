package redis

import "strings"

// Header is what a script's file says of its keys and arguments, in comments:
//
//	-- KEYS ready bell
//	-- ARGV limit ...
//
// The loader makes locals of both, so that header, script and caller cannot drift
// apart.
type Header struct {
	Keys []string
	Each bool     // the keys are a set, of which a call has several: the script runs for each
	Args []string // the named ones
	More bool     // others follow them, from the local rest on
}

// ParseHeader reads the header of a script's file.
func ParseHeader(text string) Header {
	var h Header
	h.Keys, h.Each = cutDots(headerLine(text, "KEYS"))
	h.Args, h.More = cutDots(headerLine(text, "ARGV"))
	return h
}

// cutDots takes "..." off the end of names and says whether it was there.
func cutDots(names []string) ([]string, bool) {
	if n := len(names); n > 0 && names[n-1] == "..." {
		return names[:n-1], true
	}
	return names, false
}

func headerLine(text, word string) []string {
	for line := range strings.Lines(text) {
		if names, ok := strings.CutPrefix(line, "-- "+word+" "); ok {
			return strings.Fields(names)
		}
	}
	return nil
}
