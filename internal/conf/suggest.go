package conf

import "strings"

// DidYouMean words what Nearest gives, or gives the text for when none is close.
func DidYouMean(name string, names []string, otherwise string) string {
	if best := Nearest(name, names); best != "" {
		return "; did you mean " + best + "?"
	}
	return otherwise
}

// Nearest gives the one of names that is closest to a mistyped one, of several one that begins
// alike: the first letter is seldom mistyped. It may be one that begins with all of it. "" if none
// is close.
func Nearest(name string, names []string) string {
	best, least, alike := "", max(2, len(name)/3)+1, false
	for _, n := range names {
		begins := name != "" && n != "" && name[0] == n[0]
		if d := distance(name, n); d < least || d == least && best != "" && begins && !alike {
			best, least, alike = n, d, begins
		}
	}
	for _, n := range names {
		if best == "" && len(name) > 2 && strings.HasPrefix(n, name) {
			best = n
		}
	}
	return best
}

// distance is how many letters must be put in, taken out or replaced to make b of
// a (Levenshtein).
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := diagonal
			if a[i] != b[j] {
				cost++
			}
			diagonal = row[j+1]
			row[j+1] = min(cost, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}
