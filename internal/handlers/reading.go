package handlers

import (
	"slices"
	"strings"
)

// reading is how one program reads the items behind its name.
type reading struct {
	*launch
	program

	name string
	code bool // an option gave the script
	over bool // options have ended: nothing behind is one
}

const behind = `want a literal script before it, which finds values as "$1", "$2" or as its language has them`

// closed programs make a script of all their arguments, or are not known well enough.
func (r *reading) closed(at int) error {
	for _, item := range r.items[at:] {
		if item.placeholders() {
			return item.refuse("may become a script, by way of %s; want placeholders given to a script of your own that calls it", r.name)
		}
	}
	if r.stdin && r.reads {
		return r.refuseStdin()
	}
	return nil
}

func (r *reading) refuseStdin() error {
	return invalidf("stdin", "true; want false, or a literal script in command: %s would run the arguments as one", r.name)
}

// wrapper runs what stands behind its own arguments, which hold no values.
func (r *reading) wrapper(at int) error {
	at, err := r.options(at)
	if err != nil {
		return err
	}
	for operands := r.before; at < len(r.items); at++ {
		text, ok := r.items[at].literal()
		switch {
		case !ok && operands > 0, !ok && r.assigns && strings.Contains(r.items[at].String(), "="):
			return r.items[at].refuse("is an argument of %s itself; want placeholders behind the program that it runs", r.name)
		case ok && r.assigns && strings.Contains(text, "="):
		case operands > 0:
			operands--
		case strings.HasPrefix(text, "-"):
			return r.unknown(at, text)
		default:
			return r.runs(at)
		}
	}
	return nil
}

// runs looks at the program that a wrapper runs. What xargs reads from stdin comes
// behind the items of that, and could be an option.
func (r *reading) runs(at int) error {
	l := *r.launch
	if r.appends && l.stdin {
		l.stdin = false
		value := launched{template{{path: []string{"stdin"}}}, r.items[len(r.items)-1].index, true}
		l.items = append(slices.Clone(l.items), value)
	}
	return l.check(at)
}

// finder is find: it runs what stands behind -exec.
func (r *reading) finder(at int) error {
	for i, item := range r.items[at:] {
		if text, ok := item.literal(); ok && slices.Contains([]string{"-exec", "-execdir", "-ok", "-okdir"}, text) {
			l := launch{items: r.items[at+i+1:], known: r.known}
			if end := slices.IndexFunc(l.items, func(i launched) bool { text, _ := i.literal(); return text == ";" }); end >= 0 {
				l.items = l.items[:end]
			}
			if err := l.check(0); err != nil {
				return err
			}
		} else if !ok && item.optional() {
			return item.refuse("could become an action of %s; want it without a dash at its front", r.name)
		}
	}
	return nil
}

// interpreter reads options, then a script unless an option gave it, then values.
func (r *reading) interpreter(at int) error {
	at, err := r.options(at)
	if err != nil {
		return err
	}
	if !r.code {
		if at >= len(r.items) {
			if r.stdin && r.reads {
				return r.refuseStdin()
			}
			return nil
		}
		script, ok := r.items[at].literal()
		if !ok {
			return r.items[at].refuse("may become a script of %s, or an option; %s", r.name, behind)
		}
		if r.stdin && isStdin(script) {
			return r.refuseStdin()
		}
		at++
	}
	if !r.permutes || r.over {
		return nil
	}
	for at < len(r.items) && !r.over { // options may stand among the values
		if at, err = r.options(at); err != nil {
			return err
		}
		at++
	}
	return nil
}

// evaluators are modules of Python that run what their arguments or stdin say.
var evaluators = []string{"asyncio", "cProfile", "code", "pdb", "profile", "runpy", "timeit", "trace"}

// isStdin reports whether a file is what the arguments are written to.
func isStdin(file string) bool {
	return file == "-" || strings.HasPrefix(file, "/dev/") || strings.HasPrefix(file, "/proc/")
}

// options reads options, and gives the place of the first item that is none.
func (r *reading) options(at int) (int, error) {
	for ; at < len(r.items); at++ {
		text, ok := r.items[at].literal()
		if !ok {
			if r.items[at].optional() {
				return 0, r.items[at].refuse("could become an option of %s; want -- or a literal script before it", r.name)
			}
			return at, nil
		}
		sign := strings.HasPrefix(text, "-") || r.plus && strings.HasPrefix(text, "+")
		switch {
		case text == "--", text == "-" && r.plus:
			r.over = true
			return at + 1, nil
		case text == "-" && r.assigns: // env: as -i
		case !sign || text == "-":
			return at, nil
		case strings.HasPrefix(text, "--") || r.plus && r.long[strings.TrimLeft(text, "-+")] != none:
			skip, err := r.longOption(at, text)
			if err != nil {
				return 0, err
			}
			at += skip
		default:
			next, end, err := r.letters(at, text[1:])
			if err != nil {
				return 0, err
			}
			if end {
				r.over = true
				return next, nil
			}
			at = next - 1
		}
	}
	return at, nil
}

// unknown refuses an option that may do anything to the items behind it.
func (r *reading) unknown(at int, option string) error {
	return r.items[at].refuse("has an option that is not known of %s, %s, with values of a job behind it; want a script of your own in place of the call", r.name, option)
}

// value is the item that an option takes.
func (r *reading) value(at int) error {
	if at < len(r.items) && r.items[at].placeholders() {
		return r.items[at].refuse("may become a script of %s, or an option; %s", r.name, behind)
	}
	return nil
}

// longOption reads --name and --name=value, and gives how many items more it takes.
func (r *reading) longOption(at int, text string) (skip int, err error) {
	name, value, given := strings.Cut(strings.TrimLeft(text, "-+"), "=")
	switch r.long[name] {
	case none:
		return 0, r.unknown(at, "--"+name)
	case code:
		r.code = true
	case bare:
		return 0, nil
	}
	if given {
		if r.code && r.stdin && isStdin(value) {
			return 0, r.refuseStdin()
		}
		return 0, nil
	}
	return 1, r.value(at + 1)
}

// letters reads a cluster of options. It gives the place of the next item, and whether
// that is no option any more.
func (r *reading) letters(at int, letters string) (next int, end bool, err error) {
	for i, letter := range letters {
		rest := letters[i+1:]
		is := func(set string) bool { return strings.ContainsRune(set, letter) }
		switch {
		case is(r.flags):
			continue
		case is(r.attached):
			return at + 1, false, nil
		case is(r.last) && rest != "", !is(r.values) && !is(r.last) && !is(r.codes):
			return 0, false, r.unknown(at, "-"+string(letter))
		}
		value, next := rest, at+1
		if rest == "" {
			if err := r.value(next); err != nil {
				return 0, false, err
			}
			if next < len(r.items) {
				value, _ = r.items[next].literal()
			}
			next++
		}
		if is(r.codes) {
			r.code = true
			if letter == 'm' && slices.Contains(evaluators, value) {
				return 0, false, r.unknown(at, "-m "+value)
			}
			if r.stdin && isStdin(value) {
				return 0, false, r.refuseStdin()
			}
		}
		return next, is(r.codes) && is(r.ends), nil
	}
	return at + 1, false, nil
}
