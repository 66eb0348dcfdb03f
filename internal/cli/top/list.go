package top

import "slices"

// list is rows of which one is chosen. What is chosen is a thing, by its key, and no place:
// whatever comes, goes and moves around it, it stays chosen, and stays where it is on the screen
// as far as that can be. If it is gone itself it is kept, marked as gone, until somebody chooses
// another one: what a key does is never done to a row that came into its place.
type list[T any] struct {
	key  func(T) string
	rows []row[T]
	at   int // of rows; that is chosen
	top  int // of rows; the first that is shown
}

type row[T any] struct {
	key   string
	value T
	gone  bool // it was not in the last answer
}

// take takes the rows as they are now.
func (l *list[T]) take(values []T) {
	fresh := make([]row[T], len(values))
	for i, v := range values {
		fresh[i] = row[T]{key: l.key(v), value: v}
	}
	before, had := l.chosen()
	l.rows = fresh
	if !had {
		l.at, l.top = 0, 0
		return
	}
	i := slices.IndexFunc(fresh, func(r row[T]) bool { return r.key == before.key })
	if i < 0 {
		before.gone = true
		i = min(l.at, len(fresh))
		l.rows = slices.Insert(fresh, i, before)
	}
	l.top += i - l.at
	l.at = i
}

// reset forgets what was chosen.
func (l *list[T]) reset() { *l = list[T]{key: l.key} }

// chosen gives the row that is chosen; false: there are no rows.
func (l *list[T]) chosen() (row[T], bool) {
	if l.at >= len(l.rows) {
		return row[T]{}, false
	}
	return l.rows[l.at], true
}

// move chooses another row. One that is gone leaves the list then.
func (l *list[T]) move(by int) {
	if by == 0 || len(l.rows) == 0 {
		return
	}
	to := l.at + by
	if l.rows[l.at].gone && len(l.rows) > 1 {
		l.rows = slices.Delete(l.rows, l.at, l.at+1)
		if by > 0 {
			to--
		}
	}
	l.at = max(0, min(to, len(l.rows)-1))
}

// show gives the rows that fit into a height, and which of them is chosen.
func (l *list[T]) show(height int) (rows []row[T], chosen int) {
	if height <= 0 || len(l.rows) == 0 {
		return nil, -1
	}
	l.top = max(l.top, l.at-height+1)
	l.top = min(l.top, l.at, max(len(l.rows)-height, 0))
	l.top = max(l.top, 0)
	return l.rows[l.top:min(l.top+height, len(l.rows))], l.at - l.top
}

// steer moves by a key; false: it is none that moves.
func (l *list[T]) steer(k key, height int) bool {
	height = max(height-1, 1)
	by, ok := map[key]int{
		"up": -1, "k": -1, "down": 1, "j": 1, "pgup": -height, "ctrl+u": -height, "pgdown": height, "ctrl+d": height,
		"home": -len(l.rows), "g": -len(l.rows), "end": len(l.rows), "G": len(l.rows),
	}[k]
	if ok {
		l.move(by)
	}
	return ok
}
