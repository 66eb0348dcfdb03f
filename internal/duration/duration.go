// Package duration reads durations as people write them: what time.ParseDuration reads,
// and days and weeks; and it writes them so. All doors use it: flags, config files, HTTP and
// import lines.
package duration

import (
	"regexp"
	"strconv"
	"strings"
	"time"
)

// days are parts of a duration that Go has no unit for.
var days = regexp.MustCompile(`([0-9]+(?:\.[0-9]*)?|\.[0-9]+)([dw])`)

// Parse reads a duration such as 500ms, 30s, 1h30m, 7d or 2w. A day is 24 hours, whatever
// clocks do. The error is that of time.ParseDuration.
func Parse(text string) (time.Duration, error) {
	return time.ParseDuration(days.ReplaceAllStringFunc(text, func(part string) string {
		n, err := strconv.ParseFloat(part[:len(part)-1], 64)
		if err != nil { // too long a number: it is refused as it stands
			return part
		}
		hours := 24.0
		if part[len(part)-1] == 'w' {
			hours *= 7
		}
		return strconv.FormatFloat(n*hours, 'f', -1, 64) + "h"
	}))
}

// Format writes a duration as Parse reads it, and as people do: 1m where String gives 1m0s.
func Format(d time.Duration) string {
	text := d.String()
	for _, nothing := range []string{"0s", "0m"} {
		if short := strings.TrimSuffix(text, nothing); short != "" && !isDigit(short[len(short)-1]) {
			text = short
		}
	}
	return text
}

func isDigit(c byte) bool { return '0' <= c && c <= '9' }
