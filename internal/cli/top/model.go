package top

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/drayhorse/drayhorse"
	"github.com/drayhorse/drayhorse/admin"
	"github.com/drayhorse/drayhorse/internal/board"
)

// key is one that was pressed: a name such as "enter" or "ctrl+c", or what it types.
type key string

// fetch reads what one view shows beside what is read for all.
type fetch func(ctx context.Context, a *admin.Admin, r *board.Reading) (any, error)

// view is a screen: one of the six, or what one goes into from there.
type view interface {
	title() string
	// fetch gives what is to be read; nil: nothing. It runs beside everything else, so it
	// holds all that it needs.
	fetch() fetch
	take(got any, m *model)
	draw(c *canvas, b box, m *model)
	press(k key, m *model) bool // false: it knows no such key
	hints(m *model) []hint
}

// watcher is a view of what is read for all: it looks at every reading, shown or not.
type watcher interface{ look(m *model) }

// box is the lines that a view has.
type box struct{ y, height int }

// hint is a key and what it does.
type hint struct{ key, does string }

// model is what top shows, and what keys do to it. It knows neither Redis nor terminals: it is
// told what was read and pressed, and says what is to be read and done.
type model struct {
	clock    func() time.Time
	where    string // the Redis, and the namespace
	readOnly bool
	every    time.Duration
	width    int
	height   int

	tabs   []view
	tab    int
	inside []view // that one has gone into, from the tab on

	reading *board.Reading // nil: nothing was read yet
	servers []admin.Server
	ticket  int       // of what is asked for now: answers to anything older are not this view's
	hurry   bool      // it is to be read at once
	paused  bool      // nothing is read unless somebody wants it
	awayAt  time.Time // since when Redis is; zero: it answers
	away    error
	wrong   error // why the view could not be read

	edit  *editor
	ask   *question
	doing *question // under way
	said  remark
	help  bool
	quit  bool
}

// remark is what was done, or why not. It stays until the next key; what is bad until Esc, r or
// the next remark.
type remark struct {
	text string
	bad  bool
}

func newModel(where string, every time.Duration, readOnly bool, clock func() time.Time) *model {
	m := &model{clock: clock, where: where, readOnly: readOnly, every: every, width: 80, height: 24, hurry: true}
	m.tabs = []view{newOverview(), newQueues(), newJobs(""), newWorkers(), newSchedules(), newLimits()}
	return m
}

// now is the time of the picture, by Redis's clock.
func (m *model) now() time.Time {
	if m.reading == nil {
		return m.clock()
	}
	return m.reading.Now
}

// current is the view that is shown.
func (m *model) current() view {
	if n := len(m.inside); n > 0 {
		return m.inside[n-1]
	}
	return m.tabs[m.tab]
}

// want is what is to be read.
type want struct {
	ticket int
	fetch  fetch
}

// want says what is to be read, now: somebody waits for it.
func (m *model) want() want {
	m.hurry = false
	return want{m.ticket, m.current().fetch()}
}

// changed says that something else is to be read than before.
func (m *model) changed() {
	m.ticket++
	m.hurry = true
	m.wrong = nil
}

// show goes to a tab.
func (m *model) show(tab int) {
	m.tab, m.inside = (tab+len(m.tabs))%len(m.tabs), nil
	m.changed()
}

// enter goes into something.
func (m *model) enter(p view) {
	m.inside = append(m.inside, p)
	m.changed()
}

// leave goes back to where one came from.
func (m *model) leave() {
	if n := len(m.inside); n > 0 {
		m.inside = m.inside[:n-1]
		m.changed()
	}
}

// answer is what was read.
type answer struct {
	ticket  int
	at      time.Time // when it began
	reading *board.Reading
	servers []admin.Server // nil: they were not asked
	got     any
	err     error // nothing could be read
	wrong   error // the view could not be

	panicked any
	stack    []byte
}

// take takes what was read. An outage leaves the last picture where it is.
func (m *model) take(a answer) {
	if errors.Is(a.wrong, drayhorse.ErrUnavailable) {
		a.err = a.wrong
	}
	if a.err != nil {
		if m.away = a.err; m.awayAt.IsZero() {
			m.awayAt = a.at
		}
		return
	}
	m.away, m.awayAt = nil, time.Time{}
	m.reading = a.reading
	if a.servers != nil {
		m.servers = a.servers
	}
	for _, p := range m.tabs {
		if p, ok := p.(watcher); ok {
			p.look(m)
		}
	}
	if a.ticket != m.ticket {
		return
	}
	if m.wrong = a.wrong; a.wrong == nil && a.got != nil {
		m.current().take(a.got, m)
	}
}

// outcome is what became of what was to be done.
type outcome struct {
	text string
	err  error

	panicked any
	stack    []byte
}

// done takes what became of what was to be done.
func (m *model) done(o outcome) {
	m.said = remark{text: o.text}
	if o.err != nil {
		m.said = remark{fmt.Sprintf("%s: %v", m.doing.deed.Verb+" "+m.doing.what, o.err), true}
	}
	m.doing = nil
	m.hurry = true
}

// press takes a key.
func (m *model) press(k key) {
	if !m.said.bad && m.doing == nil {
		m.said = remark{}
	}
	switch {
	case k == "ctrl+l": // the screen is drawn anew by who has it
	case m.edit != nil:
		m.edit.press(k, m)
	case m.ask != nil:
		m.ask.press(k, m)
	case m.help:
		m.help = false
	case m.current().press(k, m):
	default:
		m.pressAnywhere(k)
	}
}

func (m *model) pressAnywhere(k key) {
	switch k {
	case "q", "ctrl+c":
		m.quit = true
	case "?":
		m.help = true
	case "1", "2", "3", "4", "5", "6":
		m.show(int(k[0] - '1'))
	case "tab", "right":
		m.show(m.tab + 1)
	case "backtab", "left":
		m.show(m.tab - 1)
	case "esc", "backspace":
		m.said = remark{}
		m.leave()
	case "r":
		m.said = remark{}
		m.hurry = true
	case " ":
		if m.paused = !m.paused; !m.paused {
			m.hurry = true
		}
	default:
		m.said = remark{text: fmt.Sprintf("Key %s does nothing here; ? shows those that do.", k)}
	}
}

// paste takes text that was pasted. It is typed where something is typed, and is no key.
func (m *model) paste(text string) {
	if m.edit != nil {
		m.edit.insert(text)
	}
}
