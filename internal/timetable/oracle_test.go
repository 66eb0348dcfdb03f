package timetable_test

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"pgregory.net/rapid"
)

// wallField is a field as the test made it: the text, and what it allows.
type wallField struct {
	text string
	ok   [64]bool
}

func (f wallField) star() bool { return strings.Contains(f.text, "*") }

// wallCron is a cron expression: second, minute, hour, day, month, weekday.
type wallCron [6]wallField

func (c wallCron) String() string {
	var words []string
	for _, f := range c {
		words = append(words, f.text)
	}
	return strings.Join(words, " ")
}

func (c wallCron) matchesDay(wall time.Time) bool {
	day, weekday := c[3].ok[wall.Day()], c[5].ok[wall.Weekday()]
	if !c[3].star() && !c[5].star() {
		return c[4].ok[wall.Month()] && (day || weekday)
	}
	return c[4].ok[wall.Month()] && day && weekday
}

func (c wallCron) matches(wall time.Time) bool {
	return c[0].ok[wall.Second()] && c[1].ok[wall.Minute()] && c[2].ok[wall.Hour()] && c.matchesDay(wall)
}

func (c wallCron) everyHour() bool {
	return !slices.Contains(c[2].ok[:24], false)
}

// watch is the oracle: it stares at a clock on the wall for every single second,
// or minute, from one instant to another, knowing nothing of zones and their
// periods, and notes when the schedule has to fire.
func (c wallCron) watch(zone *time.Location, from, to time.Time, hand time.Duration) (ticks []int64) {
	const remembered = 3 * time.Hour // longer than any clock goes back
	twice := c.everyHour() || c[0].star() || c[1].star() || c[2].star()
	shown := map[time.Time]bool{}
	face := func(now time.Time) time.Time { // what the clock shows, as if in UTC
		t := now.In(zone)
		return time.Date(t.Year(), t.Month(), t.Day(), t.Hour(), t.Minute(), t.Second(), 0, time.UTC)
	}
	last := face(from.Add(-remembered - hand))
	for now := from.Add(-remembered); now.Before(to); now = now.Add(hand) {
		wall := face(now)
		fires := c.matches(wall) && (twice || !shown[wall])
		for missed := last.Add(hand); missed.Before(wall) && !c.everyHour(); missed = missed.Add(hand) {
			fires = fires || c.matches(missed)
		}
		if fires && !now.Before(from) {
			ticks = append(ticks, now.Unix())
		}
		if c.matches(wall) {
			shown[wall] = true
		}
		last = wall
	}
	return ticks
}

// fieldGen makes fields with the text and its meaning side by side, so that the
// meaning does not come from the parser.
func fieldGen(low, high int) *rapid.Generator[wallField] {
	return rapid.Custom(func(t *rapid.T) wallField {
		var f wallField
		var items []string
		allow := func(from, to, step int) {
			for n := from; n <= to; n += step {
				f.ok[n] = true
			}
		}
		for range rapid.SampledFrom([]int{1, 1, 1, 2, 3}).Draw(t, "items") {
			from := rapid.IntRange(low, high).Draw(t, "from")
			to := rapid.IntRange(from, high).Draw(t, "to")
			step := rapid.IntRange(1, values(low, high)).Draw(t, "step")
			switch rapid.IntRange(0, 6).Draw(t, "form") {
			case 0, 1:
				items = append(items, fmt.Sprint(from))
				allow(from, from, 1)
			case 2:
				items = append(items, fmt.Sprintf("%d-%d", from, to))
				allow(from, to, 1)
			case 3:
				items = append(items, fmt.Sprintf("%d-%d/%d", from, to, step))
				allow(from, to, step)
			case 4:
				items = append(items, fmt.Sprintf("%d/%d", from, step))
				allow(from, high, step)
			case 5:
				items = append(items, fmt.Sprintf("*/%d", step))
				allow(low, high, step)
			case 6:
				items = append(items, "*")
				allow(low, high, 1)
			}
		}
		f.text = strings.Join(items, ",")
		return f
	})
}

// values is how many a unit has: 0 and 7 are one day of the week.
func values(low, high int) int {
	if high == 7 {
		return 7
	}
	return high - low + 1
}

func listField(members ...int) wallField {
	var f wallField
	var items []string
	for _, n := range members {
		items = append(items, fmt.Sprint(n))
		f.ok[n] = true
	}
	f.text = strings.Join(items, ",")
	return f
}

func stepField(low, high, step int) wallField {
	f := wallField{text: fmt.Sprintf("*/%d", step)}
	for n := low; n <= high; n += step {
		f.ok[n] = true
	}
	return f
}

func starField(low, high int) wallField {
	f := stepField(low, high, 1)
	f.text = "*"
	return f
}

func drawField(t *rapid.T, name string, low, high int) wallField {
	return fieldGen(low, high).Draw(t, name)
}

// drawDays leaves the date free in most cases, or few schedules would fire.
func (c *wallCron) drawDays(t *rapid.T, restrict bool) {
	c[3], c[4], c[5] = starField(1, 31), starField(1, 12), starField(0, 7)
	if restrict {
		c[3], c[4], c[5] = drawField(t, "day", 1, 31), drawField(t, "month", 1, 12), drawField(t, "weekday", 0, 7)
	}
	c[5].ok[0] = c[5].ok[0] || c[5].ok[7]
}
