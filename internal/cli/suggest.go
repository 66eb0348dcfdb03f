package cli

import "strings"

// wantOneOf words what would be right in place of a name.
func wantOneOf(name string, names []string) string {
	return " is not known" + didYouMean(name, names, "; want "+strings.Join(names, ", "))
}

// didYouMean names the one of names that is closest to a mistyped one, or that
// begins with it, or gives the text for when none is close.
func didYouMean(name string, names []string, otherwise string) string {
	best, least := "", max(2, len(name)/3)+1
	for _, n := range names {
		if d := distance(name, n); d < least {
			best, least = n, d
		}
	}
	for _, n := range names {
		if best == "" && len(name) > 2 && strings.HasPrefix(n, name) {
			best = n
		}
	}
	if best == "" {
		return otherwise
	}
	return "; did you mean " + best + "?"
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
