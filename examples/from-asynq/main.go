// From-asynq takes a small program from asynq to Drayhorse, step by step, on an
// embedded server: docs/from-asynq.md is about it. It ends by itself.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"os"
	"strings"
	"time"

	"github.com/hibiken/asynq"

	"github.com/drayhorse/drayhorse"
	"github.com/drayhorse/drayhorse/admin"
	"github.com/drayhorse/drayhorse/examples/from-asynq/after"
	"github.com/drayhorse/drayhorse/examples/from-asynq/before"
	"github.com/drayhorse/drayhorse/examples/from-asynq/tasks"
	"github.com/drayhorse/drayhorse/internal/cli"
	"github.com/drayhorse/drayhorse/internal/cli/migrate"
	"github.com/drayhorse/drayhorse/internal/embedded"
)

func main() {
	if err := play(); err != nil {
		log.Fatal(err)
	}
}

// play is the migration. Its steps are programs and commands of their own in real
// life.
func play() error {
	server, err := embedded.Start("")
	if err != nil {
		return err
	}
	defer server.Close()
	ctx, stop := context.WithTimeout(context.Background(), time.Minute)
	defer stop()
	url := server.URL()

	old, err := before.NewClient(url)
	if err != nil {
		return err
	}
	defer old.Close()
	for _, step := range []struct {
		title string
		do    func() error
	}{
		{"1. The program on asynq: its worker sends what it can.", func() error { return workOnAsynq(ctx, url, old) }},
		{"2. The worker is gone, its producers are not: they write to asynq.", func() error {
			return errors.Join(
				tasks.Mail(old, "news", []int{3, 4}),
				tasks.Mail(old, "reminder", []int{5}, asynq.ProcessIn(24*time.Hour)))
		}},
		{"3. $ drayhorse asynq drain --from REDIS --dry-run", func() error { return drain(ctx, url, "--dry-run") }},
		{"4. $ drayhorse asynq drain --from REDIS", func() error { return drain(ctx, url) }},
		{"5. A Drayhorse worker with the same handlers goes on.", func() error { return workOnDrayhorse(ctx, url) }},
		{"6. A producer is switched over: the same call, another client.", func() error { return enqueueHere(ctx, url) }},
		{"7. What waits for its time.", func() error { return showWaiting(ctx, url) }},
	} {
		fmt.Println(step.title)
		if err := step.do(); err != nil {
			return fmt.Errorf("%s: %w", step.title, err)
		}
	}
	return nil
}

func workOnAsynq(ctx context.Context, url string, client *asynq.Client) error {
	if err := tasks.Mail(client, "welcome", []int{1, 13, 2}); err != nil {
		return err
	}
	worker, err := before.StartWorker(url)
	if err != nil {
		return err
	}
	defer worker.Shutdown()
	opt, err := asynq.ParseRedisURI(url)
	if err != nil {
		return err
	}
	inspector := asynq.NewInspector(opt)
	defer inspector.Close()
	return until(ctx, func() (bool, error) {
		info, err := inspector.GetQueueInfo("default")
		return err == nil && info.Pending+info.Active == 0, err
	})
}

// drain is the command of that name.
func drain(ctx context.Context, url string, flags ...string) error {
	p := cli.Process{
		Args:      append([]string{"drain", "--from", url, "--redis", url}, flags...),
		LookupEnv: func(string) (string, bool) { return "", false },
		Stdin:     os.Stdin, Stdout: indent{os.Stdout}, Stderr: os.Stderr,
	}
	if code := p.Run(ctx, migrate.AsynqCommand()); code != cli.ExitOK {
		return fmt.Errorf("exit code %d", code)
	}
	return nil
}

func workOnDrayhorse(ctx context.Context, url string) error {
	a, err := admin.New(admin.Config{RedisURL: url})
	if err != nil {
		return err
	}
	defer a.Close()
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	done := make(chan error, 1)
	go func() { done <- after.Work(ctx, url) }()
	err = until(ctx, func() (bool, error) {
		queues, err := a.Queues(ctx)
		return err == nil && queues[0].Available+queues[0].Running == 0, err
	})
	stop()
	return errors.Join(err, <-done)
}

func enqueueHere(ctx context.Context, url string) error {
	client, err := after.NewClient(url)
	if err != nil {
		return err
	}
	defer client.Close()
	if err := tasks.Mail(client, "news", []int{6}); err != nil {
		return err
	}
	return workOnDrayhorse(ctx, url)
}

func showWaiting(ctx context.Context, url string) error {
	a, err := admin.New(admin.Config{RedisURL: url})
	if err != nil {
		return err
	}
	defer a.Close()
	for _, state := range []drayhorse.State{drayhorse.Scheduled, drayhorse.Retryable} {
		page, err := a.Jobs(ctx, admin.Filter{State: state})
		if err != nil {
			return err
		}
		for _, job := range page.Jobs {
			fmt.Printf("  %s %s %s, attempt %d of %d\n", job.State, job.Kind, job.Args, job.Attempt, job.MaxAttempts)
		}
	}
	return nil
}

// until waits for a fact.
func until(ctx context.Context, fact func() (bool, error)) error {
	for {
		if ok, err := fact(); ok || err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(10 * time.Millisecond):
		}
	}
}

// indent sets a command's output apart.
type indent struct{ io.Writer }

func (w indent) Write(p []byte) (int, error) {
	for line := range strings.Lines(string(p)) {
		if _, err := io.WriteString(w.Writer, "  "+line); err != nil {
			return 0, err
		}
	}
	return len(p), nil
}
