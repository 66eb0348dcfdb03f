package admin_test

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/drayhorse/drayhorse"
	"github.com/drayhorse/drayhorse/admin"
	"github.com/drayhorse/drayhorse/internal/redistest"
	"github.com/drayhorse/drayhorse/worker"
)

func TestSeriesHasWhatEnded(t *testing.T) {
	onEach(t, func(t *testing.T, y *yard) {
		began, tell := y.work("mail")
		for _, err := range []error{nil, drayhorse.Discard(errors.New("no")), drayhorse.Cancel(errors.New("no"))} {
			y.enqueue("k", drayhorse.Queue("mail"))
			<-began
			tell <- err
		}
		y.enqueue("other-kind", drayhorse.Queue("audit"), drayhorse.ID("gone"))
		if err := y.admin.Cancel(t.Context(), "audit", "gone"); err != nil {
			t.Fatal(err)
		}
		var got *admin.Series
		redistest.Eventually(t, time.Minute, "four jobs have ended", func() bool {
			var err error
			if got, err = y.admin.Series(t.Context(), admin.SeriesQuery{}); err != nil {
				t.Fatal(err)
			}
			return got.Total.Ended() == 4
		})
		if n := got.Total; n.Completed != 1 || n.Discarded != 1 || n.Cancelled != 2 || n.Run.Count != 3 || n.Wait.Count != 3 {
			t.Errorf("total %+v", n)
		}
		if got.Step != time.Minute || len(got.Points) < 60 || len(got.Points) > 61 || got.Queues != 2 || got.Read != 2 || len(got.Kinds) != 2 || got.Kinds[0].Kind != "k" {
			t.Errorf("%d points of %v, %d of %d queues, kinds %+v", len(got.Points), got.Step, got.Read, got.Queues, got.Kinds)
		}
		for name, c := range map[string]struct {
			query admin.SeriesQuery
			want  int64
		}{
			"queue":  {admin.SeriesQuery{Queue: "mail"}, 3},
			"kind":   {admin.SeriesQuery{Kind: "other-kind"}, 1},
			"hours":  {admin.SeriesQuery{From: got.Now.Add(-80 * 24 * time.Hour)}, 4},
			"before": {admin.SeriesQuery{From: got.Now.Add(-3 * time.Hour), To: got.Now.Add(-2 * time.Hour)}, 0},
			"within": {admin.SeriesQuery{Within: []string{"mail/other-kind", "audit/other-kind"}}, 1},
			"none":   {admin.SeriesQuery{Within: []string{}}, 0},
		} {
			one, err := y.admin.Series(t.Context(), c.query)
			if err != nil || one.Total.Ended() != c.want {
				t.Errorf("%s: %+v, %v; want %d", name, one, err, c.want)
			}
		}
		text, err := json.Marshal(got)
		if err != nil || !strings.Contains(string(text), `"step_ms":60000`) || !strings.Contains(string(text), `"p95_ms":`) {
			t.Errorf("JSON %s, %v", text, err)
		}
	})
}

// TestSeriesCountsGroups: different ones, of which jobs ran; not where that is asked of some kinds.
func TestSeriesCountsGroups(t *testing.T) {
	onEach(t, func(t *testing.T, y *yard) {
		began, tell := y.work("mail")
		for _, group := range []string{"a", "b", "a", "c", "a"} {
			y.enqueue("k", drayhorse.Queue("mail"), drayhorse.Group(group))
			<-began
			tell <- nil
		}
		// ran gives how many there were in all hours: three, unless one hour ended among them.
		ran := func(query admin.SeriesQuery) (sum int64) {
			query.Step = time.Hour
			got, err := y.admin.Series(t.Context(), query)
			if err != nil {
				t.Fatal(err)
			}
			most := int64(0)
			for i := range got.Points {
				most, sum = max(most, got.Points[i].Groups), sum+got.Points[i].Groups
			}
			if most != got.Total.Groups || most > 3 {
				t.Errorf("%d groups in all, %d in an hour", got.Total.Groups, most)
			}
			return sum
		}
		redistest.Eventually(t, time.Minute, "three groups are counted", func() bool { return ran(admin.SeriesQuery{}) >= 3 })
		for name, c := range map[string]struct {
			query admin.SeriesQuery
			known bool
		}{
			"queue":     {admin.SeriesQuery{Queue: "mail"}, true},
			"kind":      {admin.SeriesQuery{Kind: "k"}, false},
			"all kinds": {admin.SeriesQuery{Within: []string{"mail"}}, true},
			"one kind":  {admin.SeriesQuery{Within: []string{"mail/k"}}, false},
		} {
			if got := ran(c.query); got >= 3 != c.known || !c.known && got > 0 {
				t.Errorf("%s: %d groups; want three: %v", name, got, c.known)
			}
		}
	})
}

func TestSeriesRefusesWhatCannotBe(t *testing.T) {
	t.Parallel()
	y := setup(t, redistest.Shared(t))
	y.enqueue("k", drayhorse.Queue("mail"))
	ago := func(d time.Duration) time.Time { return time.Now().Add(-d) }
	for name, c := range map[string]struct {
		query admin.SeriesQuery
		want  string
	}{
		"queue":         {admin.SeriesQuery{Queue: "a b"}, "a b"},
		"kind":          {admin.SeriesQuery{Kind: "a b"}, "a b"},
		"step":          {admin.SeriesQuery{Step: 7 * time.Minute}, "step 7m0s"},
		"step of 90 s":  {admin.SeriesQuery{Step: 90 * time.Second}, "step 1m30s"},
		"negative step": {admin.SeriesQuery{Step: -time.Minute}, "step -1m0s"},
		"turned round":  {admin.SeriesQuery{From: ago(0), To: ago(time.Hour)}, "begins before it ends"},
		"future":        {admin.SeriesQuery{From: ago(-time.Hour)}, "when it is"},
		"old minutes":   {admin.SeriesQuery{From: ago(100 * time.Hour), Step: time.Minute}, "kept for 72 hours"},
		"too old":       {admin.SeriesQuery{From: ago(3000 * time.Hour), To: ago(2500 * time.Hour)}, "90 days"},
		"many points":   {admin.SeriesQuery{From: ago(60 * time.Hour), Step: time.Minute}, "points"},
	} {
		_, err := y.admin.Series(t.Context(), c.query)
		if !errors.Is(err, drayhorse.ErrInvalid) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v, want it to say %q", name, err, c.want)
		}
	}
	if _, err := y.admin.Series(t.Context(), admin.SeriesQuery{Queue: "none"}); !errors.Is(err, drayhorse.ErrNotFound) {
		t.Errorf("error %v for a queue that is not there", err)
	}
}

var seriesJobs = flag.Int("series.jobs", 4_000, "how many jobs end while workers are killed")

// seriesEnv has the test program be a worker, until it is killed.
const seriesEnv = "DRAYHORSE_TEST_SERIES_OF"

type timed struct {
	US int64 `json:"us"`
}

func (timed) Kind() string { return "timed" }

type shaky struct{}

func (shaky) Kind() string { return "shaky" }

type deadly struct {
	Marker string `json:"marker"` // the file that is there once it has killed a process
}

func (deadly) Kind() string { return "deadly" }

// TestSeriesWorker is the process that is killed. Timed jobs take the time that they say, and keep
// how long they took, and had waited, by their own clock; shaky ones fail once; deadly ones kill the process once, so
// that it dies while it holds jobs.
func TestSeriesWorker(t *testing.T) { //nolint:paralleltest // it is a program of its own
	where := os.Getenv(seriesEnv)
	if where == "" {
		t.Skip("it is for TestSeriesAreExactWhileWorkersAreKilled")
	}
	url, namespace, _ := strings.Cut(where, " ")
	w, err := worker.New(worker.Config{RedisURL: url, Namespace: namespace, Concurrency: 30, Retry: worker.Constant(0)})
	if err != nil {
		t.Fatal(err)
	}
	worker.Handle(w, func(_ context.Context, job *drayhorse.Job[timed]) error {
		began := time.Now()
		for time.Since(began) < time.Duration(job.Args.US)*time.Microsecond {
			time.Sleep(time.Duration(job.Args.US)*time.Microsecond - time.Since(began))
		}
		return job.SetResult([]int64{time.Since(began).Microseconds(), began.Sub(job.EnqueuedAt).Microseconds()})
	})
	worker.Handle(w, func(_ context.Context, job *drayhorse.Job[shaky]) error {
		if job.Attempt == 1 {
			return errors.New("the first time it fails")
		}
		return nil
	})
	worker.Handle(w, func(_ context.Context, job *drayhorse.Job[deadly]) error {
		marker, err := os.OpenFile(job.Args.Marker, os.O_CREATE|os.O_EXCL, 0o600)
		if errors.Is(err, os.ErrExist) {
			return nil
		}
		if err != nil {
			return err
		}
		_ = marker.Close()
		process, err := os.FindProcess(os.Getpid())
		if err != nil {
			return err
		}
		_ = process.Kill()
		select {} // until it is over
	})
	t.Fatal("it was not killed: ", w.Run(context.Background()))
}

// TestSeriesAreExactWhileWorkersAreKilled: what is counted by the minute is what the jobs
// themselves say, of which each was kept, and the percentiles are within 5 % of theirs.
func TestSeriesAreExactWhileWorkersAreKilled(t *testing.T) { //nolint:paralleltest // it is much work
	y := setup(t, redistest.Start(t).URL)
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	markers := t.TempDir()
	start := func() (kill func()) {
		child := exec.Command(self, "-test.run=^TestSeriesWorker$")
		child.Env = append(os.Environ(), seriesEnv+"="+y.url+" "+y.namespace)
		if err := child.Start(); err != nil {
			t.Fatal(err)
		}
		return func() { _ = child.Process.Kill(); _ = child.Wait() }
	}
	for at := 0; at < *seriesJobs; at += 1000 {
		var specs []drayhorse.Spec
		for i := at; i < min(at+1000, *seriesJobs); i++ {
			args := drayhorse.Args(timed{US: 2000 + int64(math.Pow(1.01, float64(i*7919%400))*300)})
			if i%10 == 0 {
				args = shaky{}
			}
			if i == *seriesJobs/4 || i == *seriesJobs/2 {
				args = deadly{filepath.Join(markers, strconv.Itoa(i))}
			}
			specs = append(specs, drayhorse.Spec{Args: args, Options: []drayhorse.Option{drayhorse.Retain(24 * time.Hour)}})
		}
		if _, err := y.jobs.EnqueueMany(t.Context(), specs); err != nil {
			t.Fatal(err)
		}
	}
	completed := func() int {
		q, err := y.admin.Queue(t.Context(), drayhorse.DefaultQueue)
		if err != nil {
			return 0
		}
		return q.Completed
	}
	for range 3 { // two of which are killed by jobs
		defer start()()
	}
	redistest.Eventually(t, 10*time.Minute, "all have completed", func() bool { return completed() == *seriesJobs })

	byMinute, runs, waits := map[int64]int64{}, []time.Duration{}, []time.Duration{}
	for filter := (admin.Filter{State: drayhorse.Completed, Limit: admin.MaxLimit}); ; {
		page, err := y.admin.Jobs(t.Context(), filter)
		if err != nil {
			t.Fatal(err)
		}
		for _, info := range page.Jobs {
			byMinute[info.FinishedAt.Unix()/60]++
			if info.Kind != "timed" {
				continue
			}
			var took []int64
			if err := json.Unmarshal(info.Result, &took); err != nil {
				t.Fatal(err)
			}
			runs = append(runs, time.Duration(took[0])*time.Microsecond)
			waits = append(waits, time.Duration(took[1])*time.Microsecond)
		}
		if filter.Cursor = page.Next; filter.Cursor == "" {
			break
		}
	}
	got, err := y.admin.Series(t.Context(), admin.SeriesQuery{Queue: drayhorse.DefaultQueue, Step: time.Minute})
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range got.Points {
		if want := byMinute[p.At.Unix()/60]; p.Completed != want {
			t.Errorf("%s: %d completed, want %d", p.At.Format(time.TimeOnly), p.Completed, want)
		}
	}
	failed := int64((*seriesJobs+9)/10) - 2 // shaky ones, but for those that are deadly
	if n := got.Total; n.Completed != int64(*seriesJobs) || n.Failed != failed || n.Run.Count != n.Completed+n.Failed {
		t.Errorf("total %+v; want %d completed, %d failed, and as many runs", n, *seriesJobs, failed)
	}
	i := slices.IndexFunc(got.Kinds, func(k admin.KindPoint) bool { return k.Kind == "timed" })
	if i < 0 {
		t.Fatalf("kinds %+v, want one that is timed", got.Kinds)
	}
	for _, c := range []struct {
		what string
		all  []time.Duration
		got  admin.Times
	}{{"runs", runs, got.Kinds[i].Run}, {"waits", waits, got.Kinds[i].Wait}} {
		slices.Sort(c.all)
		text := ""
		for share, value := range map[float64]time.Duration{0.5: c.got.P50, 0.9: c.got.P90, 0.95: c.got.P95, 0.99: c.got.P99} {
			want := c.all[int(math.Ceil(share*float64(len(c.all))))-1]
			off := float64(value-want) / float64(want)
			// What a worker adds to a run counts on a busy machine: the test of histograms has the bound.
			if *seriesJobs >= 100_000 && math.Abs(off) > 0.05 {
				t.Errorf("%v of %s are up to %v, want %v", share, c.what, value, want)
			}
			text += fmt.Sprintf(" p%v %v for %v (%+.1f %%)", 100*share, value, want, 100*off)
		}
		t.Logf("%d %s:%s", len(c.all), c.what, text)
	}
	q, err := y.admin.Queue(t.Context(), drayhorse.DefaultQueue)
	if err != nil || q.Totals["rescued"] == 0 || q.Totals["uncounted"] != 0 {
		t.Errorf("totals %v, %v; want some rescued, and none uncounted", q.Totals, err)
	}
	t.Logf("%d minutes, %d completed, %d rescued", len(byMinute), got.Total.Completed, q.Totals["rescued"])
}
