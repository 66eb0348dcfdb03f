package handlers

import (
	"fmt"
	"slices"
	"strings"
)

// launch is an argv as it is read by the program that stands in it at some place: by
// a shell, or by a wrapper that runs what stands behind its own options. What is
// refused is a value of the arguments that could become a program, an option, or a
// script. Where it is not known how a program reads an item, and a value stands behind
// it, it is refused too.
type launch struct {
	items []launched
	stdin bool                        // the arguments are written to stdin
	known func(program string) string // its name in programs; "" for others
}

// launched is an item of a launch.
type launched struct {
	template

	index int  // in command
	dash  bool // its value may start with a dash
}

// literal gives an item that holds no placeholder.
func (i launched) literal() (string, bool) {
	switch {
	case i.placeholders():
		return "", false
	case len(i.template) == 0:
		return "", true
	}
	return i.template[0].text, true
}

// optional reports whether an item with a placeholder could come out as an option.
func (i launched) optional() bool {
	if i.startsWithValue() {
		return i.dash
	}
	return strings.HasPrefix(i.template[0].text, "-") || strings.HasPrefix(i.template[0].text, "+")
}

// refuse words what an item could become.
func (i launched) refuse(format string, args ...any) error {
	return invalidf(fmt.Sprintf("command[%d]", i.index), "%q %s", i.String(), fmt.Sprintf(format, args...))
}

// checkLaunch reports the first item of command, or stdin, by which a job could choose
// what runs.
func (e Exec) checkLaunch(items []template, known func(string) string) error {
	l := launch{stdin: e.Stdin, known: known}
	for i, item := range items {
		l.items = append(l.items, launched{item, i, slices.Contains(e.AllowDash, i)})
	}
	return l.check(0)
}

// fed reports whether anything of a job reaches the program at a place.
func (l *launch) fed(at int) bool {
	return l.stdin || slices.ContainsFunc(l.items[at:], func(i launched) bool { return i.placeholders() })
}

// check looks at the program that stands at a place.
func (l *launch) check(at int) error {
	if at >= len(l.items) || !l.fed(at) {
		return nil
	}
	text, ok := l.items[at].literal()
	if !ok {
		return l.items[at].refuse("is a program; want one without placeholders")
	}
	name := l.known(text)
	p, ok := programs[name]
	if !ok {
		return l.checkOther(at)
	}
	r := &reading{launch: l, name: name, program: p}
	switch p.role {
	case closed:
		return r.closed(at + 1)
	case wrapper:
		return r.wrapper(at + 1)
	case finder:
		return r.finder(at + 1)
	default:
		return r.interpreter(at + 1)
	}
}

// checkOther looks at a program that is not known. It may be a wrapper: where it names
// an interpreter, and then an option with a script, values that could become that are
// refused.
func (l *launch) checkOther(at int) error {
	for i := at + 1; i < len(l.items); i++ {
		text, ok := l.items[i].literal()
		if !ok {
			continue
		}
		name := l.known(text)
		p, ok := programs[name]
		r := &reading{launch: &launch{items: l.items, known: l.known}, name: name, program: p}
		switch {
		case ok && l.stdin && p.reads && i == len(l.items)-1:
			return r.refuseStdin()
		case !ok || p.script == "" || !l.scripted(i+1, p):
			continue
		}
		if err := r.interpreter(i + 1); err != nil {
			return err
		}
	}
	return nil
}

// scripted reports whether an option for a script of p stands before the first value.
func (l *launch) scripted(at int, p program) bool {
	for _, item := range l.items[at:] {
		text, ok := item.literal()
		if !ok {
			return strings.HasPrefix(item.template[0].text, "-") || strings.HasPrefix(item.template[0].text, "+")
		}
		if len(text) > 1 && (text[0] == '-' || text[0] == '+') && strings.ContainsAny(text[1:], p.script) {
			return true
		}
	}
	return false
}
