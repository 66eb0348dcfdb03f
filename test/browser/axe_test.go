package browser

import (
	"os"
	"strings"
	"sync"

	"github.com/chromedp/chromedp"
)

// axeSource is axe-core, as npm brings it: it looks for what keeps people out who use a screen reader
// or a keyboard, or see little.
var axeSource = sync.OnceValues(func() ([]byte, error) { return os.ReadFile("node_modules/axe-core/axe.min.js") })

// finding is what axe-core has found on a page.
type finding struct {
	ID     string   `json:"id"`
	Impact string   `json:"impact"`
	Help   string   `json:"help"`
	Where  []string `json:"where"` // some of the elements
}

// serious asks for what would be in people's way.
const serious = `axe.run().then((r) => r.violations.filter((v) => v.impact === "serious" || v.impact === "critical").map((v) => ({
	id: v.id, impact: v.impact, help: v.help, where: v.nodes.slice(0, 3).map((n) => n.html.slice(0, 200) + ": " + n.failureSummary),
})))`

// accessible wants axe-core to find nothing serious on the page that is shown.
func (s *stage) accessible(where string) {
	s.Helper()
	source, err := axeSource()
	if err != nil {
		s.Fatalf("%v: want make test-browser, which installs it", err)
	}
	ask(s, "load axe-core", chromedp.Evaluate[int](string(source)+"; 1"))
	for _, f := range ask(s, "look for barriers", chromedp.Evaluate[[]finding](serious, chromedp.EvalAwaitPromise)) {
		s.Errorf("%s: %s, %s: %s\n\t%s", where, f.Impact, f.ID, f.Help, strings.Join(f.Where, "\n\t"))
	}
}
