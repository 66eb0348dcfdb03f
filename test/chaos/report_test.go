package chaos

import (
	"fmt"
	"os"
	"strings"
	"time"
)

// result is one line of the report.
type result struct {
	row     *row
	seed    uint64
	begin   time.Time
	took    time.Duration
	verdict *verdict
	notes   []string // figures of the row's own
	missed  []string // why the target is not met
	skipped string   // why the row was not run
	broke   bool     // the row ended before its verdict
	line    string   // all of the above as another process has written it
}

func (res *result) note(format string, args ...any) {
	res.notes = append(res.notes, fmt.Sprintf(format, args...))
}

func (res *result) met() string {
	switch {
	case res.skipped != "":
		return "not run: " + res.skipped
	case res.broke:
		return "**no**: it broke off"
	case len(res.missed) > 0:
		return "**no**: " + strings.Join(res.missed, "; ")
	default:
		return "yes"
	}
}

var columns = []string{
	"row", "seed", "seconds", "acknowledged", "lost", "unexpected", "duplicated", "re-run", "recovered", "refused", "measured", "target", "met",
}

func (res *result) cells() []string {
	counts := []string{"", "", "", "", "", "", ""}
	if v := res.verdict; v != nil {
		for i, n := range []int{
			v.Acknowledged, len(v.Lost), len(v.Unexpected), len(v.Duplicated), len(v.Rerun), len(v.Recovered), v.Refused,
		} {
			counts[i] = fmt.Sprint(n)
		}
	}
	first := []string{res.row.name, fmt.Sprint(res.seed), fmt.Sprintf("%.0f", res.took.Seconds())}
	return append(append(first, counts...), strings.Join(res.notes, "; "), res.row.target, clip(res.met()))
}

// clip keeps a cell readable; the log has all.
func clip(text string) string {
	const most = 300
	text = strings.NewReplacer("\n", " ", "|", "/").Replace(text)
	return text[:min(len(text), most)]
}

// table writes the report as Markdown.
func table(results []*result) string {
	var b strings.Builder
	line := func(cells []string) { fmt.Fprintf(&b, "| %s |\n", strings.Join(cells, " | ")) }
	line(columns)
	line(strings.Split(strings.Repeat("---,", len(columns)-1)+"---", ","))
	for _, res := range results {
		if res == nil {
			continue // it broke off
		}
		if res.line != "" {
			b.WriteString(res.line + "\n")
			continue
		}
		line(res.cells())
	}
	return b.String()
}

// publish prints the report, and writes it to the file that was asked for.
func publish(results []*result) error {
	text := table(results)
	fmt.Print("\n" + text + "\n")
	if *reportFlag == "" {
		return nil
	}
	return os.WriteFile(*reportFlag, []byte(text), 0o600)
}
