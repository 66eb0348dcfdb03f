package timetable

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// maxCron is how long an expression may be, in bytes; one that lists every value
// of every field fits.
const maxCron = 512

// unit is one kind of field.
type unit struct {
	name     string
	min, max int
	names    []string // of min, min+1, ...
}

// units are in the order of the fields of an expression.
var units = [6]unit{
	{name: "second", max: 59},
	{name: "minute", max: 59},
	{name: "hour", max: 23},
	{name: "day of month", min: 1, max: 31},
	{name: "month", min: 1, max: 12, names: []string{"jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"}},
	{name: "day of week", max: 7, names: []string{"sun", "mon", "tue", "wed", "thu", "fri", "sat"}},
}

var nicknames = map[string]string{
	"@hourly":   "0 * * * *",
	"@daily":    "0 0 * * *",
	"@midnight": "0 0 * * *",
	"@weekly":   "0 0 * * 0",
	"@monthly":  "0 0 1 * *",
	"@yearly":   "0 0 1 1 *",
	"@annually": "0 0 1 1 *",
}

func parseCron(expr string, zone *time.Location) (*cron, error) {
	if len(expr) > maxCron {
		return nil, fmt.Errorf("cron %q is %d bytes long; want at most %d", clip(expr), len(expr), maxCron)
	}
	if zone, rest := CutZone(expr); zone != "" {
		return nil, fmt.Errorf("cron %q has a zone in it; want cron %q and timezone %q", clip(expr), clip(rest), clip(zone))
	}
	f, err := parseFields(expr)
	if err != nil {
		return nil, fmt.Errorf("cron %q: %w", clip(expr), err)
	}
	return &cron{fields: f, zone: zone}, nil
}

// yearHint is about expressions that end with a year.
func yearHint(words []string) string {
	if len(words) == len(units)+1 {
		return "; years are said by start and end"
	}
	return ""
}

// CutZone takes the zone off a cron expression that begins with one, as crontabs have it:
// TZ=Europe/Paris 0 3 * * *, or CRON_TZ=. zone is "" if there is none.
func CutZone(expr string) (zone, rest string) {
	first, rest, _ := strings.Cut(strings.TrimSpace(expr), " ")
	name, zone, found := strings.Cut(first, "=")
	if !found || zone == "" || !strings.EqualFold(name, "TZ") && !strings.EqualFold(name, "CRON_TZ") {
		return "", expr
	}
	return zone, strings.TrimSpace(rest)
}

func parseFields(expr string) (fields, error) {
	words := strings.Fields(expr)
	if len(words) > 0 && words[0][0] == '@' {
		standsFor, ok := nicknames[strings.ToLower(strings.Join(words, " "))]
		switch {
		case strings.EqualFold(words[0], "@every"):
			return fields{}, fmt.Errorf("%s is not cron; want the schedule's every instead%s", words[0], everyOf(words[1:]))
		case strings.EqualFold(words[0], "@reboot"):
			return fields{}, fmt.Errorf("%s has no time; want the job enqueued by whatever starts", words[0])
		case !ok:
			return fields{}, fmt.Errorf("%s; want @hourly, @daily, @midnight, @weekly, @monthly, @yearly or @annually", clip(strings.Join(words, " ")))
		}
		words = strings.Fields(standsFor)
	}
	skip := len(units) - len(words) // 1 when there is no field for seconds
	if skip != 0 && skip != 1 {
		return fields{}, fmt.Errorf("%d fields; want 5 (minute hour day month weekday) or 6 (with seconds in front)%s", len(words), yearHint(words))
	}
	parsed := [6]field{{set: 1}} // second 0
	for i, word := range words {
		u := &units[skip+i]
		f, err := u.parse(word)
		if err != nil {
			return fields{}, fmt.Errorf("field %d (%s): %w", i+1, u.name, err)
		}
		parsed[skip+i] = f
	}
	weekday := parsed[5]
	weekday.set = (weekday.set | weekday.set>>7) &^ (1 << 7) // 7 is Sunday too
	return fields{parsed[0], parsed[1], parsed[2], parsed[3], parsed[4], weekday}, nil
}

// parse reads one field: a list of items.
func (u *unit) parse(word string) (field, error) {
	var f field
	for item := range strings.SplitSeq(word, ",") {
		members, err := u.parseItem(item)
		if err != nil {
			return field{}, err
		}
		f.set |= members
		f.star = f.star || item[0] == '*'
	}
	return f, nil
}

// parseItem reads *, N or A-B, each with or without a step.
func (u *unit) parseItem(item string) (set, error) {
	span, stepText, stepped := strings.Cut(item, "/")
	low, high, err := u.parseSpan(span, stepped)
	if err != nil {
		return 0, err
	}
	step := 1
	if stepped {
		// A step of the whole unit is one value: 2-23/24 is 2 o'clock. A longer one means
		// something else than what happens.
		if step = number(stepText); step < 1 || step > u.size() {
			return 0, fmt.Errorf("step %q; want 1-%d%s", clip(stepText), u.size(), u.insteadOf(step))
		}
	}
	var members set
	for n := low; n <= high; n += step {
		members |= 1 << n
	}
	return members, nil
}

// parseSpan reads the part before the step. With a step, a single number is the
// start of a span that goes to the end of the field.
func (u *unit) parseSpan(span string, stepped bool) (low, high int, err error) {
	if span == "*" {
		return u.min, u.max, nil
	}
	from, to, isRange := strings.Cut(span, "-")
	if low, err = u.parseValue(from); err != nil {
		return 0, 0, err
	}
	switch {
	case isRange:
		if high, err = u.parseValue(to); err != nil {
			return 0, 0, err
		}
	case stepped:
		return low, u.max, nil
	default:
		return low, low, nil
	}
	if high == 0 && u.max == 7 && low > 0 {
		high = 7 // fri-sun
	}
	if low > high {
		return 0, 0, fmt.Errorf("range %q runs backwards; want two ranges with a comma", clip(span))
	}
	return low, high, nil
}

func (u *unit) parseValue(text string) (int, error) {
	for i, name := range u.names {
		if strings.EqualFold(text, name) {
			return u.min + i, nil
		}
	}
	n := number(text)
	if n < u.min || n > u.max {
		return 0, fmt.Errorf("%q; want %s%s", clip(text), u.wants(), u.hint(text))
	}
	return n, nil
}

// size is how many values there are.
func (u *unit) size() int {
	if u.max == 7 { // Sunday twice
		return 7
	}
	return u.max - u.min + 1
}

// insteadOf says how to write a step that is too long, where there is a way.
func (u *unit) insteadOf(step int) string {
	letter := map[string]string{"second": "s", "minute": "m", "hour": "h"}[u.name]
	if step < 1 || letter == "" {
		return ""
	}
	return fmt.Sprintf(", or the schedule's every: %d%s in place of cron", step, letter)
}

// everyOf gives the duration of @every, if it has one.
func everyOf(words []string) string {
	if len(words) != 1 {
		return ""
	}
	if _, err := time.ParseDuration(words[0]); err != nil {
		return ""
	}
	return ": every: " + words[0]
}

// hint is about what others write and this package does not read, or where a name is
// longer than it is read.
func (u *unit) hint(text string) string {
	upper := strings.ToUpper(text)
	for _, name := range u.names {
		if len(text) > len(name) && strings.HasPrefix(upper, strings.ToUpper(name)) {
			return ", here " + name
		}
	}
	switch {
	case text == "?":
		return ", or * for any"
	case strings.Contains(upper, "#"), strings.HasPrefix(upper, "L"), strings.HasSuffix(upper, "L"), strings.HasSuffix(upper, "W"):
		return "; L, W and # are not read"
	case strings.HasPrefix(upper, "H"):
		return "; H is not read, a jitter spreads jobs"
	}
	return ""
}

func (u *unit) wants() string {
	numbers := fmt.Sprintf("%d-%d", u.min, u.max)
	if u.names == nil {
		return numbers
	}
	return fmt.Sprintf("%s or %s-%s", numbers, u.names[0], u.names[len(u.names)-1])
}

// number reads digits alone, as -1 where there is anything else: strconv takes
// signs.
func number(text string) int {
	for i := range len(text) {
		if text[i] < '0' || text[i] > '9' {
			return -1
		}
	}
	n, err := strconv.Atoi(text)
	if err != nil {
		return -1
	}
	return n
}
