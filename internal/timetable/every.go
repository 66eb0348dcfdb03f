package timetable

import (
	"fmt"
	"time"
)

const (
	minEvery = time.Second
	maxEvery = 100 * 365 * 24 * time.Hour
)

// every is a whole number of milliseconds; its ticks are the multiples since the
// Unix epoch, so that they do not depend on when anybody started.
type every int64

func parseEvery(d time.Duration) (every, error) {
	if d < minEvery || d > maxEvery || d%time.Millisecond != 0 {
		return 0, fmt.Errorf("every %v; want 1s to 100 years in whole milliseconds", d)
	}
	return every(d.Milliseconds()), nil
}

func (e every) next(after time.Time) (time.Time, bool) {
	ms := after.UnixMilli()
	sinceTick := ms % int64(e)
	if sinceTick < 0 { // before 1970
		sinceTick += int64(e)
	}
	return time.UnixMilli(ms - sinceTick + int64(e)), true
}
