package browser

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"

	"github.com/drayhorse/drayhorse"
	"github.com/drayhorse/drayhorse/admin"
	"github.com/drayhorse/drayhorse/dashboard"
	"github.com/drayhorse/drayhorse/flow"
	"github.com/drayhorse/drayhorse/internal/redistest"
	"github.com/drayhorse/drayhorse/producer"
	"github.com/drayhorse/drayhorse/scheduler"
	"github.com/drayhorse/drayhorse/worker"
)

func TestMain(m *testing.M) { redistest.Main(m) }

var shots = flag.String("shots", "", "a folder for pictures of all pages")

// patience is how long a browser may take for one thing on a busy machine.
const patience = 2 * time.Minute

// hostile is text that would do something if it were not text.
const hostile = `<script>document.title="owned"</script><img src=x onerror=alert(1)>"'&\u202e`

// stage is a dashboard with something of everything, and a browser.
type stage struct {
	*testing.T
	base  string
	admin *admin.Admin
	jobs  *producer.Producer
	ctx   context.Context // of the browser's tab
	name  string          // that the browser finds this machine by, too; empty: none

	mu    sync.Mutex
	wrong []string // what the browser complained of
}

func newStage(t *testing.T) *stage {
	t.Helper()
	s := &stage{T: t}
	url, namespace := redistest.Shared(t), redistest.Namespace(t)
	var err error
	if s.admin, err = admin.New(admin.Config{RedisURL: url, Namespace: namespace}); err != nil {
		t.Fatal(err)
	}
	if s.jobs, err = producer.New(producer.Config{RedisURL: url, Namespace: namespace}); err != nil {
		t.Fatal(err)
	}
	handler, err := dashboard.New(dashboard.Config{Admin: s.admin})
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(handler)
	s.base = server.URL + "/"
	t.Cleanup(func() {
		server.Close()
		_ = errors.Join(s.jobs.Close(), s.admin.Close())
	})
	s.furnish(url, namespace)
	s.open()
	return s
}

// furnish makes jobs in every state, a worker and a schedule.
func (s *stage) furnish(url, namespace string) {
	s.Helper()
	w, err := worker.New(worker.Config{RedisURL: url, Namespace: namespace, Queues: map[string]int{"mail": 1}, Concurrency: 4})
	if err != nil {
		s.Fatal(err)
	}
	worker.HandleKind(w, "k", func(ctx context.Context, job *drayhorse.Job[json.RawMessage]) error {
		switch {
		case job.ID == "runs":
			<-ctx.Done()
			return ctx.Err()
		case job.ID == "done":
			return job.SetResult(map[string]string{"text": hostile})
		}
		return drayhorse.Discard(errors.New(hostile))
	})
	c, err := scheduler.New(scheduler.Config{RedisURL: url, Namespace: namespace, Source: "test"})
	if err != nil {
		s.Fatal(err)
	}
	if err := c.Add(scheduler.Schedule{ID: "nightly", Cron: "0 3 * * *", Args: drayhorse.Raw("k", json.RawMessage(`{}`)), Options: []drayhorse.Option{drayhorse.Queue("mail")}}); err != nil {
		s.Fatal(err)
	}
	for _, run := range []func(context.Context) error{w.Run, c.Run} {
		ctx, stop := context.WithCancel(context.Background())
		done := make(chan error, 1)
		go func() { done <- run(ctx) }()
		s.Cleanup(func() {
			stop()
			<-done
		})
	}
	args, _ := json.Marshal(map[string]any{"text": hostile, hostile: []int64{1 << 62}})
	for id, options := range map[string][]drayhorse.Option{
		"dead-1": {drayhorse.Queue("mail")}, "dead-2": {drayhorse.Queue("mail")}, "runs": {drayhorse.Queue("mail")},
		"done": {drayhorse.Queue("mail"), drayhorse.Retain(time.Hour), drayhorse.Group("acme")}, "later": {drayhorse.Queue("mail"), drayhorse.In(time.Hour)},
		"waits": {drayhorse.Queue("idle")},
	} {
		if _, err := s.jobs.EnqueueRaw(s.Context(), "k", args, append(options, drayhorse.ID(id))...); err != nil {
			s.Fatal(err)
		}
	}
	smtp := drayhorse.Limit{
		Name: "smtp", Queue: "mail", Concurrency: 5, Rate: drayhorse.Rate{Jobs: 100, Per: time.Minute, Burst: 20},
		Breaker: drayhorse.Breaker{Rate: 0.5, Window: time.Minute, CoolDown: 30 * time.Second, Probes: 3},
	}
	if err := s.admin.SetLimit(s.Context(), smtp, hostile); err != nil {
		s.Fatal(err)
	}
	if _, err := s.admin.AddMark(s.Context(), hostile); err != nil {
		s.Fatal(err)
	}
	weekly := admin.Declaration{ID: "weekly", Cron: "0 4 * * 1", Kind: "k", Queue: "mail", Args: args}
	if err := s.admin.AddSchedule(s.Context(), weekly, false); err != nil {
		s.Fatal(err)
	}
	s.begin()
	s.becomes("dead-1", drayhorse.Discarded)
	s.becomes("dead-2", drayhorse.Discarded)
	s.becomes("done", drayhorse.Completed)
	s.becomes("runs", drayhorse.Running)
	redistest.Eventually(s, patience, "the schedule is there", func() bool {
		_, err := s.admin.Schedule(s.Context(), "nightly")
		return err == nil
	})
}

// begin makes a flow of steps in several states, and a batch.
func (s *stage) begin() {
	s.Helper()
	job := func(queue string) (drayhorse.Args, drayhorse.Option) {
		return drayhorse.Raw("k", json.RawMessage(`{}`)), drayhorse.Queue(queue)
	}
	f := flow.New("order-42")
	args, idle := job("idle")
	_, mail := job("mail")
	fetch := f.Step("fetch", args, idle)
	ship := f.Step("ship", args, idle).After(fetch, f.Signal("approved", time.Hour))
	failed := f.Step("a-step-with-a-name-that-is-far-too-long-for-its-box", args, mail)
	f.Step("tell", args, idle).After(ship).AfterEnd(failed)
	f.Step("bill", args, idle).AfterHold(failed)
	f.Step("never", args, idle).After(failed)
	if _, err := s.jobs.Submit(s.Context(), f); err != nil {
		s.Fatal(err)
	}
	b, err := s.jobs.NewBatch(s.Context(), flow.Batch{ID: "import-7"})
	if err == nil {
		_, err = b.Add(s.Context(), drayhorse.Spec{Args: args, Options: []drayhorse.Option{idle}})
	}
	if err == nil {
		err = b.Close(s.Context())
	}
	if err != nil {
		s.Fatal(err)
	}
}

// becomes waits until Redis says that a job is in a state.
func (s *stage) becomes(id string, want drayhorse.State) {
	s.Helper()
	redistest.Eventually(s, patience, id+" is "+string(want), func() bool {
		info, err := s.admin.Get(s.Context(), "", id)
		return err == nil && info.State == want
	})
}

// open starts a browser that reports all that it complains of, and every request to others.
func (s *stage) open() {
	s.Helper()
	path := ""
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if found, err := exec.LookPath(name); err == nil && path == "" {
			path = found
		}
	}
	if path == "" {
		s.Fatal("no chromium in PATH; want make test-browser, which installs it")
	}
	options := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(path), chromedp.NoSandbox, chromedp.DisableGPU,
		chromedp.WSURLReadTimeout(patience), chromedp.Flag("disable-dev-shm-usage", true))
	if s.name != "" {
		options = append(options, chromedp.Flag("host-resolver-rules", "MAP "+s.name+" 127.0.0.1"))
	}
	all, stop := chromedp.NewExecAllocator(context.Background(), options...)
	s.Cleanup(stop)
	tab, closeTab := chromedp.NewContext(all)
	s.Cleanup(closeTab)
	s.ctx = tab
	complain := func(format string, args ...any) {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.wrong = append(s.wrong, fmt.Sprintf(format, args...))
	}
	if err := chromedp.Listen(tab, func(event any) {
		switch e := event.(type) {
		case *runtime.EventConsoleAPICalled:
			complain("console: %s", e.Type)
		case *runtime.EventExceptionThrown:
			complain("exception: %s", e.ExceptionDetails.Text)
		case *log.EventEntryAdded:
			if s.name == "" || !strings.HasPrefix(e.Entry.Text, "The Cross-Origin-Opener-Policy header has been ignored") { // as it is over plain http
				complain("log: %s: %s %s", e.Entry.Source, e.Entry.Text, e.Entry.URL)
			}
		case *network.EventRequestWillBeSent:
			if !strings.HasPrefix(e.Request.URL, s.base) && !strings.HasPrefix(e.Request.URL, "data:") {
				complain("request to %s", e.Request.URL)
			}
		}
	}); err != nil {
		s.Fatalf("open the browser: %v", err)
	}
	if _, err := chromedp.Call(tab, network.Enable, network.EnableParams{}); err != nil {
		s.Fatal(err)
	}
	s.does("set the size", chromedp.EmulateViewport(1440, 900))
}

// does does something in the tab.
func (s *stage) does(what string, steps ...chromedp.Action[chromedp.Void]) {
	s.Helper()
	ask(s, what, chromedp.Steps(steps...))
}

// ask does something in the tab, and gives what came of it.
func ask[T any](s *stage, what string, action chromedp.Action[T]) T {
	s.Helper()
	ctx, cancel := context.WithTimeout(s.ctx, patience)
	defer cancel()
	v, err := chromedp.Run(ctx, action)
	if err != nil {
		s.Fatalf("%s: %v", what, err)
	}
	return v
}

// calm wants the browser to have complained of nothing since it was asked last.
func (s *stage) calm(where string) {
	s.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, text := range s.wrong {
		s.Errorf("%s: %s", where, text)
	}
	s.wrong = []string{}
}

// pardon forgets what the browser has said of answers of a status that was asked for.
func (s *stage) pardon(status int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.wrong = slices.DeleteFunc(s.wrong, func(text string) bool { return strings.Contains(text, fmt.Sprintf("a status of %d ", status)) })
}

// visit opens a page and wants it to be one.
func (s *stage) visit(page string) {
	s.Helper()
	s.does("visit "+page, chromedp.Navigate(s.base+page), chromedp.WaitReady("#main"))
	if title := ask(s, "read the title", chromedp.Title()); !strings.HasSuffix(title, "· Drayhorse") {
		s.Errorf("%s has the title %q", page, title)
	}
}

// body is the text of the page, as people see it.
func (s *stage) body() string {
	s.Helper()
	return ask(s, "read the page", chromedp.Evaluate[string](`document.body.innerText`))
}

// pages are all that are shown.
var pages = map[string]string{
	"overview": "", "queues": "queues", "queue": "queue?queue=mail", "jobs": "jobs", "job": "job?queue=mail&id=dead-1",
	"result": "job?queue=mail&id=done", "waiting": "job?queue=idle&id=waits", "actions": "actions", "workers": "workers", "limits": "limits",
	"flows": "flows", "stuck": "flows?stuck=1", "flow": "flow?id=order-42", "batch": "flow?id=import-7", "signal": "confirm?action=signal-flow&flow=order-42&step=approved",
	"schedules": "schedules", "schedule": "schedule?id=nightly", "form": "edit-schedule?id=weekly", "limit": "edit-limit?limit=smtp", "arguments": "edit-job?queue=idle&id=waits", "redis": "redis", "audit": "audit", "events": "events", "question": "confirm?action=delete-queue&queue=mail",
}

// TestEveryPageIsShown at the size of a desk and of a phone, light and dark: nothing is wider
// than the screen, no text of strangers does anything, nothing is in the way of people who use a screen reader or
// a keyboard, and the browser complains of nothing.
func TestEveryPageIsShown(t *testing.T) {
	s := newStage(t)
	if _, err := s.admin.RetryAll(t.Context(), admin.Filter{Where: "queue:none-such"}, hostile); !errors.Is(err, drayhorse.ErrNotFound) {
		t.Error(err)
	}
	done, err := s.admin.CancelAll(t.Context(), admin.Filter{Where: "queue:idle id:nothing"}, hostile)
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]string{"action": "action?id=" + done.ID}
	for name, page := range pages {
		all[name] = page
	}
	for _, size := range []struct {
		name          string
		width, height int64
	}{{"desk", 1440, 900}, {"phone", 390, 844}} {
		for _, scheme := range []string{"light", "dark"} {
			s.does("set the size", chromedp.EmulateViewport(size.width, size.height))
			if _, err := chromedp.Call(s.ctx, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
				Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}},
			}); err != nil {
				t.Fatal(err)
			}
			for name, page := range all {
				s.visit(page)
				if wide := ask(s, "measure", chromedp.Evaluate[int64](`document.documentElement.scrollWidth`)); wide > size.width {
					t.Errorf("%s on a %s is %d wide; want at most %d", name, size.name, wide, size.width)
				}
				s.accessible(fmt.Sprintf("%s, %s, %s", name, size.name, scheme))
				s.calm(fmt.Sprintf("%s, %s, %s", name, size.name, scheme))
				s.picture(name + "-" + size.name + "-" + scheme)
			}
		}
	}
}

// picture takes one, where that is wanted.
func (s *stage) picture(name string) {
	s.Helper()
	if *shots == "" {
		return
	}
	png := ask(s, "take a picture", chromedp.CaptureScreenshot())
	if err := os.WriteFile(filepath.Join(*shots, name+".png"), png, 0o600); err != nil {
		s.Fatal(err)
	}
}

// TestTheFilterIsUsed as people use it.
func TestTheFilterIsUsed(t *testing.T) {
	s := newStage(t)
	s.visit("jobs")
	s.does("filter", chromedp.SetValue(`input[name=where]`, `id:dead- error:"OWNED"`), chromedp.Submit(`form.filter`), chromedp.WaitReady("#main"))
	redistest.Eventually(t, patience, "the filtered list", func() bool {
		text := s.body()
		return strings.Contains(text, "dead-1") && strings.Contains(text, "dead-2") && !strings.Contains(text, "later")
	})
	s.visit("jobs")
	s.does("type", chromedp.SendKeys(`#f-where`, "state:discarded que"))
	s.offers("state:discarded queue:")
	s.does("go on", chromedp.SendKeys(`#f-where`, "ue:ma"))
	s.offers("state:discarded queue:mail")
	s.does("make a mistake", chromedp.SetValue(`input[name=where]`, `nonsense:1`), chromedp.Submit(`form.filter`), chromedp.WaitVisible(`[role=alert]`))
	if text := s.body(); !strings.Contains(text, "is not known") {
		t.Errorf("the mistake is not named: %s", text)
	}
	s.calm("the filter")
}

// offers waits until the filter may become that, and nothing else.
func (s *stage) offers(want string) {
	s.Helper()
	redistest.Eventually(s.T, patience, "the filter may become "+want, func() bool {
		return ask(s, "read", chromedp.Evaluate[string](`[...document.querySelectorAll("#f-completions option")].map((o) => o.value).join(", ")`)) == want
	})
}

// TestStrangersTextIsText in every place where it stands.
func TestStrangersTextIsText(t *testing.T) {
	s := newStage(t)
	for _, page := range []string{"jobs", "job?queue=mail&id=dead-1", "job?queue=mail&id=done", "queue?queue=mail"} {
		s.visit(page)
		if text := s.body(); !strings.Contains(text, `<script>document.title="owned"</script>`) {
			t.Errorf("%s does not show it as text: %s", page, text)
		}
		if scripts := ask(s, "count", chromedp.Evaluate[int](`document.querySelectorAll("script:not([src]), img[onerror], img[src=x]").length`)); scripts != 0 {
			t.Errorf("%s has %d elements of it", page, scripts)
		}
	}
	s.calm("text of strangers")
}

// clicks asks, and says yes in the dialog.
func (s *stage) clicks(page, button string, typed ...string) {
	s.Helper()
	s.visit(page)
	s.does("click "+button, chromedp.Click(`a[data-ask][href*="`+button+`"]`), chromedp.WaitVisible("#ask #question"))
	for i := 0; i+1 < len(typed); i += 2 {
		s.does("type", chromedp.SendKeys(`#ask input[name=`+typed[i]+`]`, typed[i+1]))
	}
	s.does("say yes", chromedp.Click(`#ask form button`), chromedp.WaitVisible(".flash"))
	s.calm(button)
}

// TestEveryActionIsDone by clicks, and seen in Redis.
func TestEveryActionIsDone(t *testing.T) {
	s := newStage(t)
	ctx := t.Context()
	paused := func(want bool) {
		t.Helper()
		redistest.Eventually(t, patience, fmt.Sprint("paused ", want), func() bool {
			q, err := s.admin.Queue(ctx, "idle")
			return err == nil && q.Paused == want
		})
	}
	s.clicks("queue?queue=idle", "pause-queue")
	paused(true)
	s.visit("job?queue=idle&id=waits")
	if text := s.body(); !strings.Contains(text, "queue idle is paused") {
		t.Errorf("the job does not say why it waits: %s", text)
	}
	s.clicks("queue?queue=idle", "resume-queue")
	paused(false)
	s.clicks("job?queue=mail&id=later", "cancel-job")
	s.becomes("later", drayhorse.Cancelled)
	s.clicks("job?queue=mail&id=later", "retry-job")
	s.becomes("later", drayhorse.Discarded) // by its handler
	s.clicks("job?queue=mail&id=runs", "cancel-job")
	s.becomes("runs", drayhorse.Cancelled)
	s.clicks("job?queue=mail&id=dead-1", "clone-job")
	at := ask(s, "see where that leads", chromedp.Location())
	if u, err := url.Parse(at); err != nil || u.Query().Get("id") == "dead-1" {
		t.Errorf("the clone is at %s, %v", at, err)
	} else if clone, err := s.admin.Get(ctx, "mail", u.Query().Get("id")); err != nil || clone.Kind == "" || clone.Attempt != 1 {
		t.Errorf("the clone is %+v, %v", clone, err)
	}
	s.clicks("schedule?id=nightly", "trigger-schedule")
	s.clicks("schedule?id=nightly", "pause-schedule")
	if x, err := s.admin.Schedule(ctx, "nightly"); err != nil || x.Paused.IsZero() {
		t.Errorf("schedule %+v, %v; want it paused", x, err)
	}
	s.clicks("schedule?id=nightly", "resume-schedule")
	s.visit("schedules")
	s.does("ask for the form", chromedp.Click(`a[href="edit-schedule"]`), chromedp.WaitVisible(`form.edit`),
		chromedp.SendKeys(`form.edit input[name="id"]`, "digest"), chromedp.SendKeys(`input[name="cron"]`, "0 25 * * *"),
		chromedp.SendKeys(`input[name="kind"]`, "k"), chromedp.Click(`form.edit button.main`),
		chromedp.WaitVisible(`.notices[role="alert"]`))
	if text := s.body(); !strings.Contains(text, `field 2 (hour): "25"; want 0-23`) {
		t.Errorf("the form does not say what is wrong: %s", text)
	}
	s.pardon(http.StatusBadRequest)
	s.does("write it anew", chromedp.SetValue(`input[name="cron"]`, "0 5 * * *"), chromedp.Click(`form.edit button.main`),
		chromedp.WaitVisible(`#l-schedule`))
	if x, err := s.admin.Schedule(ctx, "digest"); err != nil || x.Cron != "0 5 * * *" || x.Kind != "k" {
		t.Errorf("schedule %+v, %v", x, err)
	}
	s.clicks("schedule?id=digest", "remove-schedule")

	s.visit("limits")
	s.does("set a limit", chromedp.Click(`a[href="edit-limit"]`), chromedp.WaitVisible(`form.edit`),
		chromedp.SendKeys(`form.edit input[name="limit"]`, "bills"), chromedp.SendKeys(`form.edit input[name="queue"]`, "mail"),
		chromedp.SendKeys(`form.edit input[name="rate"]`, "10/1s"), chromedp.Click(`form.edit button.main`), chromedp.WaitVisible(".flash"))
	if text := s.body(); !strings.Contains(text, "bills") || !strings.Contains(text, "10/1s") {
		t.Errorf("the list lacks the limit: %s", text)
	}
	s.does("edit it", chromedp.Click(`a[href="edit-limit?limit=bills"]`), chromedp.WaitVisible(`form.edit`),
		chromedp.SetValue(`form.edit input[name="concurrency"]`, "3"), chromedp.Click(`form.edit button.main`), chromedp.WaitVisible(".flash"))
	limited := func() drayhorse.Limit {
		all, err := s.admin.Limits(ctx)
		if err != nil {
			t.Fatal(err)
		}
		for _, l := range all {
			if l.Name == "bills" {
				return l.Limit
			}
		}
		return drayhorse.Limit{}
	}
	if got, want := limited(), (drayhorse.Limit{Name: "bills", Queue: "mail", Concurrency: 3, Rate: drayhorse.Rate{Jobs: 10, Per: time.Second}}); got != want {
		t.Errorf("limit %+v, want %+v", got, want)
	}
	s.clicks("limits", "limit=bills")
	if got := limited(); got != (drayhorse.Limit{}) {
		t.Errorf("limit %+v, want it removed", got)
	}
	if _, err := s.admin.Schedule(ctx, "digest"); !errors.Is(err, drayhorse.ErrNotFound) {
		t.Errorf("the removed schedule: %v", err)
	}

	s.clicks("flow?id=order-42", "signal-flow", "value", `{"by":"ann"}`)
	s.clicks("flow?id=order-42", "cancel-flow")
	redistest.Eventually(t, patience, "the flow is cancelled, but for its signal", func() bool {
		f, err := s.admin.Flow(ctx, "order-42")
		return err == nil && f.State == flow.Cancelled && f.Completed == 1
	})
	s.clicks("flow?id=order-42", "run-flow-again")
	redistest.Eventually(t, patience, "the flow runs again", func() bool {
		f, err := s.admin.Flow(ctx, "order-42")
		return err == nil && f.State == flow.Running && f.Steps[0].Run == 2
	})
	s.clicks("flow?id=order-42", "cancel-flow")
	s.clicks("flow?id=import-7", "cancel-flow")

	// All that match, with a reason.
	before, err := s.admin.Queue(ctx, "mail")
	if err != nil {
		t.Fatal(err)
	}
	s.clicks("jobs?queue=mail&state=discarded&where=id%3Adead-", "retry-all", "reason", "mended <b>")
	redistest.Eventually(t, patience, "both are retried", func() bool {
		q, err := s.admin.Queue(ctx, "mail")
		return err == nil && q.Totals["retried"] == before.Totals["retried"]+2
	})
	actions, err := s.admin.Actions(ctx)
	if err != nil || len(actions) != 1 || actions[0].Reason != "mended <b>" {
		t.Errorf("actions %+v, %v", actions, err)
	}
	s.becomes("dead-1", drayhorse.Discarded)
	s.becomes("dead-2", drayhorse.Discarded)
	s.clicks("jobs?queue=mail&state=discarded&where=id%3Adead-", "delete-all", "reason", "enough")
	redistest.Eventually(t, patience, "both are gone", func() bool {
		info, err := s.admin.Get(ctx, "mail", "dead-1")
		return err != nil || info.Kind == ""
	})

	s.clicks("job?queue=idle&id=waits", "cancel-job")
	s.becomes("waits", drayhorse.Cancelled)
	redistest.Eventually(t, patience, "all jobs of the queue have ended", func() bool {
		q, err := s.admin.Queue(ctx, "idle")
		return err == nil && q.Available+q.Running+q.Retryable+q.Scheduled == 0
	})
	s.clicks("queue?queue=idle", "delete-queue", "typed", "idle")
	if _, err := s.admin.Queue(ctx, "idle"); !errors.Is(err, drayhorse.ErrNotFound) {
		t.Errorf("the deleted queue: %v", err)
	}
}

// TestWhatIsTickedIsDone, and said on a page of its own.
func TestWhatIsTickedIsDone(t *testing.T) {
	s := newStage(t)
	s.visit("jobs?queue=idle")
	s.does("tick", chromedp.Click(`input[name=job]`))
	s.does("cancel", chromedp.Click(`button[value=cancel-job]`))
	s.does("be asked", chromedp.WaitVisible(`#question form button`))
	s.does("say yes", chromedp.Click(`#question form button`))
	s.does("be told", chromedp.WaitVisible(".flash"))
	s.becomes("waits", drayhorse.Cancelled)
	s.calm("what is ticked")
}
