package produce

import (
	"fmt"
	"io"
	"os"
	"time"

	"github.com/schollz/progressbar/v3"

	"github.com/drayhorse/drayhorse/internal/cli"
	"github.com/drayhorse/drayhorse/internal/printable"
)

// progress shows a person how far an import has come.
type progress interface {
	show(t *tally)
	// say writes a line of its own, made printable.
	say(text string)
	// done ends the showing.
	done()
}

// newProgress gives a bar on a terminal and lines elsewhere. The size of the input
// is in bytes; -1: nobody knows.
func newProgress(w io.Writer, size int64) progress {
	if !cli.IsTerminal(w) {
		return &lineProgress{out: w, size: size, begin: time.Now(), last: time.Now()}
	}
	return &barProgress{out: w, begin: time.Now(), bar: progressbar.NewOptions64(size,
		progressbar.OptionSetWriter(w), progressbar.OptionSetWidth(24), progressbar.OptionShowBytes(true),
		progressbar.OptionShowTotalBytes(size >= 0), progressbar.OptionThrottle(100*time.Millisecond),
		progressbar.OptionUseANSICodes(os.Getenv("TERM") != "dumb"), progressbar.OptionClearOnFinish(),
	)}
}

type barProgress struct {
	out   io.Writer
	bar   *progressbar.ProgressBar
	begin time.Time
}

func (p *barProgress) show(t *tally) {
	p.bar.Describe(fmt.Sprintf("%d jobs, %.0f/s", t.imported(), rate(t, p.begin)))
	_ = p.bar.Set64(t.bytes)
}

func (p *barProgress) say(text string) {
	_ = p.bar.Clear()
	_, _ = fmt.Fprintln(p.out, printable.Text(text))
	_ = p.bar.RenderBlank()
}

func (p *barProgress) done() { _ = p.bar.Clear() }

// lineEvery is the time between two lines.
const lineEvery = 5 * time.Second

type lineProgress struct {
	out         io.Writer
	size        int64
	begin, last time.Time
}

func (p *lineProgress) show(t *tally) {
	if time.Since(p.last) < lineEvery {
		return
	}
	p.last = time.Now()
	text := fmt.Sprintf("line %d: %d jobs, %d rejected, %.0f jobs/s", t.line, t.imported(), t.rejected, rate(t, p.begin))
	if p.size > 0 && t.bytes > 0 {
		left := time.Duration(float64(time.Since(p.begin)) * float64(p.size-t.bytes) / float64(t.bytes))
		text += fmt.Sprintf(", %d%%, %v left", 100*t.bytes/p.size, left.Round(time.Second))
	}
	p.say(text)
}

func (p *lineProgress) say(text string) { _, _ = fmt.Fprintln(p.out, printable.Text(text)) }
func (p *lineProgress) done()           {}

func rate(t *tally, begin time.Time) float64 {
	return float64(t.imported()) / max(time.Since(begin).Seconds(), 0.001)
}
