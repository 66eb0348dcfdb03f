package migrate

import (
	"fmt"
	"io"
	"os"
	"time"

	"github.com/schollz/progressbar/v3"

	"github.com/drayhorse/drayhorse/internal/cli"
	"github.com/drayhorse/drayhorse/internal/drain"
	"github.com/drayhorse/drayhorse/internal/printable"
)

// lineEvery is the time between two lines where no bar is shown.
const lineEvery = 5 * time.Second

// progress shows a person how far a drain has come: by a bar on a terminal, by lines
// elsewhere.
type progress struct {
	out         io.Writer
	begin, last time.Time
	bar         *progressbar.ProgressBar // nil: lines
	stored      map[*drain.Queue]int
}

func newProgress(w io.Writer) *progress {
	return &progress{out: w, begin: time.Now(), last: time.Now(), stored: map[*drain.Queue]int{}}
}

func (p *progress) show(q *drain.Queue) {
	p.stored[q] = sum(q.Moved) + sum(q.Known)
	name := printable.Text(q.Name)
	total, found := 0, 0
	for q, n := range p.stored {
		total += n
		found += max(n, movable(q.Before))
	}
	rate := float64(total) / max(time.Since(p.begin).Seconds(), 0.001)
	switch {
	case cli.IsTerminal(p.out):
		if p.bar == nil {
			p.bar = progressbar.NewOptions(found, progressbar.OptionSetWriter(p.out), progressbar.OptionSetWidth(24),
				progressbar.OptionThrottle(100*time.Millisecond), progressbar.OptionClearOnFinish(),
				progressbar.OptionUseANSICodes(os.Getenv("TERM") != "dumb"))
		}
		p.bar.ChangeMax(found)
		p.bar.Describe(fmt.Sprintf("%s: %d tasks, %.0f/s", name, total, rate))
		_ = p.bar.Set(total)
	case time.Since(p.last) >= lineEvery:
		p.last = time.Now()
		_, _ = fmt.Fprintf(p.out, "queue %s: %d of %d tasks stored in all, %.0f/s\n", name, total, found, rate)
	}
}

func (p *progress) done() {
	if p.bar != nil {
		_ = p.bar.Clear()
	}
}
