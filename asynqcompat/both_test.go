package asynqcompat_test

import (
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/hibiken/asynq"
	goredis "github.com/redis/go-redis/v9"

	"github.com/drayhorse/drayhorse"
	"github.com/drayhorse/drayhorse/asynqcompat/internal/tasks"
	"github.com/drayhorse/drayhorse/internal/redistest"
)

// ending is what became of a task: gone, completed or archived; how often it was
// tried; and why it failed.
type ending struct {
	State    string
	Retried  int
	LastErr  string
	Handlers []string
}

// program is the tasks that both systems get, with what they log under.
func program(t *testing.T) map[string]*asynq.Task {
	t.Helper()
	make2 := func(task *asynq.Task, err error) *asynq.Task {
		if err != nil {
			t.Fatal(err)
		}
		return task
	}
	image := func(kind, source string) *asynq.Task {
		return asynq.NewTask(kind, fmt.Appendf(nil, `{"SourceURL":%q}`, source), asynq.MaxRetry(2))
	}
	return map[string]*asynq.Task{
		"welcome":   make2(tasks.NewEmailDeliveryTask(42, "welcome")),
		"withdrawn": make2(tasks.NewEmailDeliveryTask(42, "withdrawn")),
		"a.png":     make2(tasks.NewImageResizeTask("a.png")),
		"flaky":     make2(tasks.NewImageResizeTask("flaky")),
		"gone":      make2(tasks.NewImageResizeTask("gone")),
		"prefix":    image(tasks.TypeImageWidth, "prefix"), // the mux matches by prefix
		"malformed": asynq.NewTask(tasks.TypeEmailDelivery, []byte("\xffnot JSON")),
		"broken":    asynq.NewTask(tasks.TypeBroken, []byte{0, 255}, asynq.MaxRetry(1)),
		"nobody":    asynq.NewTask("nobody:serves", nil, asynq.MaxRetry(1)),
	}
}

func TestHandlersEndTasksAlikeOnBoth(t *testing.T) {
	r := setup(t)
	here, there := map[string]ending{}, map[string]ending{}
	var hereErrors, thereErrors []string
	t.Run("drayhorse", func(t *testing.T) { here, hereErrors = r.runHere(t) })
	t.Run("asynq", func(t *testing.T) { there, thereErrors = runThere(t) })
	for name, want := range there {
		got := here[name]
		if strings.HasPrefix(want.LastErr, "panic") && strings.HasPrefix(got.LastErr, "panic: nil map, or so") {
			got.LastErr = want.LastErr // asynq names file and line, Drayhorse keeps the stack
		}
		if !reflect.DeepEqual(got, want) {
			t.Errorf("%s: Drayhorse ends it as %+v, asynq as %+v", name, got, want)
		}
	}
	if len(hereErrors) == 0 || len(hereErrors) != len(thereErrors) {
		t.Errorf("middleware saw %q here and %q there", hereErrors, thereErrors)
	}
	for name, want := range map[string]string{
		"welcome": "completed", "withdrawn": "gone", "flaky": "completed", "gone": "archived",
		"prefix": "completed", "malformed": "archived", "broken": "archived", "nobody": "archived",
	} {
		if got := there[name].State; got != want {
			t.Errorf("%s: asynq ends it as %s, want %s: is the test right?", name, got, want)
		}
	}
}

func (r *rig) runHere(t *testing.T) (map[string]ending, []string) {
	log := &tasks.Log{}
	ids := map[string]string{}
	for name, task := range program(t) {
		ids[name] = r.enqueue(task, asynq.Retention(time.Hour)).ID
	}
	r.work(tasks.NewMux(log))
	endings := map[string]ending{}
	for name, id := range ids {
		info := r.ends(id)
		e := ending{State: map[drayhorse.State]string{drayhorse.Completed: "completed", drayhorse.Discarded: "archived"}[info.State], Retried: info.Attempt - 1, Handlers: log.Lines(name)}
		if n := len(info.Errors); n > 0 {
			e.LastErr = info.Errors[n-1].Message
		}
		if name == "withdrawn" { // asynq deletes it, here it is as though it had completed
			e.State = "gone"
		}
		endings[name] = e
	}
	return endings, log.Lines("errors")
}

func runThere(t *testing.T) (map[string]ending, []string) {
	server := redistest.Start(t)
	o, err := goredis.ParseURL(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	opt := asynq.RedisClientOpt{Addr: o.Addr}
	client, inspector, log := asynq.NewClient(opt), asynq.NewInspector(opt), &tasks.Log{}
	defer func() { _, _ = client.Close(), inspector.Close() }()
	ids := map[string]string{}
	for name, task := range program(t) {
		info, err := client.Enqueue(task, asynq.Retention(time.Hour))
		if err != nil {
			t.Fatal(err)
		}
		ids[name] = info.ID
	}
	asynqServer := asynq.NewServer(opt, asynq.Config{
		Concurrency: 4, LogLevel: asynq.FatalLevel, TaskCheckInterval: 5 * time.Millisecond, DelayedTaskCheckInterval: 10 * time.Millisecond,
		RetryDelayFunc: func(int, error, *asynq.Task) time.Duration { return 0 },
	})
	if err := asynqServer.Start(tasks.NewMux(log)); err != nil {
		t.Fatal(err)
	}
	defer asynqServer.Shutdown()
	redistest.Eventually(t, 20*time.Second, "asynq is through", func() bool {
		info, err := inspector.GetQueueInfo("default")
		return err == nil && info.Pending+info.Active+info.Retry == 0
	})
	endings := map[string]ending{}
	for name, id := range ids {
		e := ending{State: "gone", Handlers: log.Lines(name)}
		if info, err := inspector.GetTaskInfo("default", id); err == nil {
			e.State, e.Retried, e.LastErr = info.State.String(), info.Retried, info.LastErr
		}
		endings[name] = e
	}
	return endings, log.Lines("errors")
}
