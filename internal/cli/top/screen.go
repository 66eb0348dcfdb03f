package top

import (
	"fmt"
	"time"

	"github.com/gdamore/tcell/v3"
	"github.com/gdamore/tcell/v3/color"
	"golang.org/x/text/encoding"

	"github.com/drayhorse/drayhorse/internal/cli"
)

// escapeWithin is how long after an escape the rest of a key may come, over a slow network: what
// comes later is a key of its own.
const escapeWithin = 150 * time.Millisecond

// terminal is the terminal of this process, by tcell.
type terminal struct {
	tcell    tcell.Screen
	coloured bool
	out      chan event
	done     chan struct{}
}

// openTerminal takes the terminal over, until close.
func openTerminal(coloured bool) (*terminal, error) {
	// What is written is UTF-8, as everywhere: where no locale is set tcell would write question
	// marks.
	tcell.RegisterEncoding("US-ASCII", encoding.Nop)
	tcell.SetEncodingFallback(tcell.EncodingFallbackUTF8)
	// Nothing is asked of the terminal: answers that come late would be taken for keys, and one
	// that does not answer would be waited for.
	options := []tcell.TerminfoScreenOption{tcell.OptNegotiation(false), tcell.OptSanitizeContent(true), tcell.OptEscapeTimeout(escapeWithin)}
	s, err := tcell.NewScreen(options...)
	if err != nil {
		return nil, err
	}
	return newTerminal(s, coloured)
}

func newTerminal(s tcell.Screen, coloured bool) (*terminal, error) {
	if err := s.Init(); err != nil {
		return nil, err
	}
	s.EnablePaste()
	t := &terminal{tcell: s, coloured: coloured, out: make(chan event), done: make(chan struct{})}
	go t.listen()
	return t, nil
}

// listen turns what tcell says into events. What is pasted is gathered.
func (t *terminal) listen() {
	defer func() {
		if p := recover(); p != nil {
			t.out <- event{err: fmt.Errorf("%v", p)}
		}
	}()
	var pasted *[]byte
	for {
		var e event
		select {
		case raw, ok := <-t.tcell.EventQ():
			if !ok {
				return
			}
			switch raw := raw.(type) {
			case *tcell.EventKey:
				k := keyOf(raw)
				if pasted != nil {
					*pasted = append(*pasted, pastedText(raw)...)
					continue
				}
				e.key = k
			case *tcell.EventPaste:
				if raw.Start() {
					pasted = &[]byte{}
					continue
				}
				if pasted == nil {
					continue
				}
				e.pasted, pasted = string(*pasted), nil
			case *tcell.EventResize:
				e.resized = true
			case *tcell.EventError:
				e.err = raw
			default:
				continue
			}
		case <-t.done:
			return
		}
		select {
		case t.out <- e:
		case <-t.done:
			return
		}
	}
}

func (t *terminal) events() <-chan event { return t.out }
func (t *terminal) size() (int, int)     { return t.tcell.Size() }
func (t *terminal) redraw()              { t.tcell.Sync() }

// close gives the terminal back as it was.
func (t *terminal) close() {
	close(t.done)
	t.tcell.Fini()
}

// show shows a canvas.
func (t *terminal) show(c *canvas) {
	t.tcell.Clear()
	for y := range c.height {
		for x := range c.width {
			if one := c.cells[y*c.width+x]; one.text != "" {
				t.tcell.Put(x, y, one.text, t.style(one.style))
			}
		}
	}
	t.tcell.Show()
}

var colours = map[cli.Colour]tcell.Color{
	cli.Red: color.Maroon, cli.Green: color.Green, cli.Yellow: color.Olive, cli.Blue: color.Navy, cli.Cyan: color.Teal,
}

func (t *terminal) style(s style) tcell.Style {
	to := tcell.StyleDefault.Bold(s.bold).Dim(s.dim).Reverse(s.reverse)
	if s.under {
		to = to.Underline(true)
	}
	if c, ok := colours[s.colour]; ok && t.coloured {
		to = to.Foreground(c)
	}
	return to
}

var keys = map[tcell.Key]key{
	tcell.KeyUp: "up", tcell.KeyDown: "down", tcell.KeyLeft: "left", tcell.KeyRight: "right", tcell.KeyPgUp: "pgup", tcell.KeyPgDn: "pgdown",
	tcell.KeyHome: "home", tcell.KeyEnd: "end", tcell.KeyEnter: "enter", tcell.KeyEsc: "esc", tcell.KeyTab: "tab", tcell.KeyBacktab: "backtab",
	tcell.KeyBackspace: "backspace", tcell.KeyBackspace2: "backspace", tcell.KeyDelete: "delete",
	tcell.KeyCtrlA: "ctrl+a", tcell.KeyCtrlC: "ctrl+c", tcell.KeyCtrlD: "ctrl+d", tcell.KeyCtrlE: "ctrl+e", tcell.KeyCtrlK: "ctrl+k", tcell.KeyCtrlL: "ctrl+l",
	tcell.KeyCtrlU: "ctrl+u", tcell.KeyCtrlW: "ctrl+w",
}

func keyOf(e *tcell.EventKey) key {
	if e.Key() == tcell.KeyRune {
		if e.Modifiers()&(tcell.ModAlt|tcell.ModCtrl|tcell.ModMeta) != 0 {
			return "alt+" + key(e.Str())
		}
		return key(e.Str())
	}
	if k, ok := keys[e.Key()]; ok {
		return k
	}
	return key(e.Name())
}

// pastedText is what a key that was pasted types.
func pastedText(e *tcell.EventKey) string {
	switch e.Key() {
	case tcell.KeyRune:
		return e.Str()
	case tcell.KeyEnter, tcell.KeyTab:
		return " "
	}
	return ""
}

// isDumb reports whether a terminal cannot move its cursor.
func isDumb(lookupEnv func(string) (string, bool)) bool {
	kind, _ := lookupEnv("TERM")
	return kind == "" || kind == "dumb"
}

var _ screen = (*terminal)(nil)
