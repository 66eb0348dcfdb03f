package large

import (
	"html"
	"io"
	"iter"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/drayhorse/drayhorse"
	"github.com/drayhorse/drayhorse/admin"
	"github.com/drayhorse/drayhorse/internal/redistest"
)

// Bounds on what a person waits for, and on the process that serves it.
const (
	pageTime   = 100 * time.Millisecond // of 99 in 100
	searchTime = time.Second            // to the first that is found
	maxMemory  = 100 << 20
)

// TestManyJobs looks at all pages, and acts on all jobs that were discarded.
func TestManyJobs(t *testing.T) {
	y := newYard(t)
	y.fill()
	ui := y.start("ui", "--listen", "127.0.0.1:0")
	var base string
	redistest.Eventually(t, time.Minute, "the dashboard says where it is", func() bool {
		base = regexp.MustCompile(`http://\S+/`).FindString(ui.Stdout())
		return base != ""
	})
	y.forget()
	y.pages(base)
	y.wantQuick("pages", 0)
	y.searches(base)
	y.wantQuick("searches", 1)
	y.retryAll()
	y.cancelSome()
	if used := peak(ui.PID()); *bounds && used > maxMemory {
		t.Errorf("the dashboard took %d MiB, want %d at most", used>>20, maxMemory>>20)
	} else {
		t.Logf("the dashboard took %d MiB", used>>20)
	}
}

// latest gives the ID of a job.
func (y *yard) latest(queue string, state drayhorse.State) string {
	y.Helper()
	page, err := y.admin.Jobs(y.Context(), admin.Filter{Queue: queue, State: state, Limit: 1})
	if err != nil || len(page.Jobs) == 0 {
		y.Fatalf("no job of %s is %s: %v", queue, state, err)
	}
	return page.Jobs[0].ID
}

// page asks for a page, and says how long it took and what is in it.
func (y *yard) page(at string) (string, time.Duration) {
	y.Helper()
	r, err := http.NewRequestWithContext(y.Context(), http.MethodGet, at, http.NoBody)
	if err != nil {
		y.Fatal(err)
	}
	began := time.Now()
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		y.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusOK {
		y.Fatalf("%s: %d, %v: %.300s", at, resp.StatusCode, err, body)
	}
	return string(body), time.Since(began)
}

// pages asks for each page again and again.
func (y *yard) pages(base string) {
	y.Helper()
	waits, fails, dead := y.latest("orders", drayhorse.Available), y.latest("flaky", drayhorse.Retryable), y.latest("dead", drayhorse.Discarded)
	paths := []string{
		"", "queues", "queue?queue=orders", "queue?queue=flaky", "queue?queue=dead",
		"jobs", "jobs?queue=orders", "jobs?queue=orders&state=available", "jobs?state=retryable", "jobs?state=discarded", "jobs?queue=dead&state=discarded",
		"jobs?where=kind:gone", "jobs?queue=orders&where=kind:mail", "job?queue=orders&id=" + waits, "job?queue=flaky&id=" + fails, "job?queue=dead&id=" + dead,
		"confirm?action=retry-all&queue=dead&state=discarded",
		"workers", "schedules", "limits", "flows", "actions", "events", "redis", "edit-limit", "edit-schedule",
	}
	for _, path := range paths {
		var took []time.Duration
		for range *repeats {
			_, t := y.page(base + path)
			took = append(took, t)
		}
		slices.Sort(took)
		p99 := took[(len(took)*99+99)/100-1]
		if *bounds && p99 > pageTime {
			y.Errorf("/%s: 99 of 100 within %v, want %v", path, p99, pageTime)
		}
		y.Logf("/%-55s median %6.2f ms, p99 %6.2f ms", path, ms(took[len(took)/2]), ms(p99))
	}
}

// furtherOf finds the address of the page where a search goes on.
var furtherOf = regexp.MustCompile(`href="(jobs\?[^"]*cursor=[^"]*)">(?:Look further|Next page)`)

// searches looks for what no index has, until something is found. What is rare, and in a queue
// that comes late, takes as long as it takes to look at all that comes before.
func (y *yard) searches(base string) {
	y.Helper()
	for _, c := range []struct {
		where string
		late  bool
	}{
		{where: "queue:orders tag:vip"}, {where: "queue:orders args.user:user-123"}, {where: "args.user:user-123"},
		{where: "state:retryable args.user:user-7"}, {where: `state:discarded error:"10.0.0.7"`},
		{where: `"10.0.0.7:25"`}, {where: "state:discarded relay kind:gone"},
		{where: "queue:orders id:" + y.latest("orders", drayhorse.Available)[:16]}, {where: "tag:vip", late: true},
	} {
		found, pages, total, slowest := 0, 0, time.Duration(0), time.Duration(0)
		for at := "jobs?where=" + url.QueryEscape(c.where); at != "" && found == 0; pages++ {
			body, took := y.page(base + at)
			found, total, slowest, at = strings.Count(body, `href="job?`), total+took, max(slowest, took), ""
			if next := furtherOf.FindStringSubmatch(body); next != nil {
				at = html.UnescapeString(next[1])
			}
		}
		if found == 0 {
			y.Errorf("%s finds nothing on %d pages", c.where, pages)
		}
		if *bounds && (slowest > searchTime || total > searchTime && !c.late) {
			y.Errorf("%s: a page took %v, all to the first that is found %v; want %v", c.where, slowest, total, searchTime)
		}
		y.Logf("%-40s %3d links after %3d pages, %8.2f ms; a page %7.2f ms at most", c.where, found, pages, ms(total), ms(slowest))
	}
}

func ms(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

func linesOf(text []byte) iter.Seq[string] { return strings.Lines(string(text)) }
