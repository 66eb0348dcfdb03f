package operate

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/drayhorse/drayhorse"
	"github.com/drayhorse/drayhorse/admin"
	"github.com/drayhorse/drayhorse/internal/cli"
)

// WorkersCommand is the verbs for workers.
func WorkersCommand() *cobra.Command {
	return cli.Group("workers", "See the workers that run",
		listing("List the workers that run",
			func(ctx context.Context, a *admin.Admin) ([]admin.Worker, error) { return a.Workers(ctx) }, showWorkers),
		seeing("show", "Show a worker with the jobs that it has run longest",
			func(ctx context.Context, a *admin.Admin, args []string) (*admin.Worker, error) {
				return workerOf(ctx, a, args[0])
			}, showWorker, "ID"),
	)
}

// workerOf gives the worker of an ID, or of what an ID begins with.
func workerOf(ctx context.Context, a *admin.Admin, id string) (*admin.Worker, error) {
	w, err := a.Worker(ctx, id)
	if !errors.Is(err, drayhorse.ErrNotFound) {
		return w, err
	}
	workers, listed := a.Workers(ctx)
	if listed != nil {
		return nil, listed
	}
	var found []string
	for _, w := range workers {
		if strings.HasPrefix(w.ID, id) {
			found = append(found, w.ID)
		}
	}
	switch len(found) {
	case 0:
		return nil, err
	case 1:
		return a.Worker(ctx, found[0])
	}
	return nil, cli.Usagef("worker %q is one of %s; want more of the ID", id, strings.Join(found[:min(len(found), 5)], ", "))
}

var workerColours = map[admin.WorkerState]cli.Colour{
	admin.WorkerWorking: cli.Green, admin.WorkerQuiet: cli.Yellow, admin.WorkerStopping: cli.Yellow,
}

func showWorkers(call *cli.Call, workers []admin.Worker) error {
	now := time.Now()
	t := cli.NewTable("ID", "HOST", "PID", "STATE", "RUNNING", "STUCK", "STARTED", "QUEUES")
	for _, w := range workers {
		stuck := cli.Cell{Text: strconv.Itoa(w.Stuck), Right: true, Colour: cli.Red}
		if w.Stuck == 0 {
			stuck.Colour = cli.Dim
		}
		t.Row(cli.Cell{Text: w.ID}, cli.Cell{Text: w.Host}, cli.Cell{Text: strconv.Itoa(w.PID), Right: true},
			cli.Cell{Text: string(w.State), Colour: workerColours[w.State]},
			cli.Cell{Text: fmt.Sprintf("%d/%d", w.Running, w.Concurrency), Right: true}, stuck,
			cli.Cell{Text: ago(now.Sub(w.StartedAt))}, cli.Cell{Text: queuesOf(&w)})
	}
	return call.Table(t, "no workers")
}

// queuesOf gives the queues of a worker as its flags take them.
func queuesOf(w *admin.Worker) string {
	text := cli.Weights(w.Queues).String()
	if more := w.QueueCount - len(w.Queues); more > 0 {
		text += fmt.Sprintf(" and %d more", more)
	}
	return text
}

func kindsOf(w *admin.Worker) string {
	text := strings.Join(w.Kinds, ",")
	if more := w.KindCount - len(w.Kinds); more > 0 {
		text += fmt.Sprintf(" and %d more", more)
	}
	if w.AnyKind {
		text += " and any other"
	}
	return strings.TrimPrefix(text, " and ")
}

func showWorker(call *cli.Call, w *admin.Worker) error {
	f := newFields(call)
	f.add("ID", w.ID)
	f.add("Host", w.Host)
	f.add("PID", strconv.Itoa(w.PID))
	f.add("Version", w.Version)
	f.coloured("State", string(w.State), workerColours[w.State])
	f.add("Started", f.at(w.StartedAt))
	f.add("Seen", f.at(w.SeenAt))
	f.add("Queues", queuesOf(w))
	f.add("Kinds", kindsOf(w))
	f.add("Running", fmt.Sprintf("%d of %d", w.Running, w.Concurrency))
	if w.Stuck > 0 {
		f.coloured("Stuck", strconv.Itoa(w.Stuck), cli.Red)
	}
	if err := f.print(); err != nil || len(w.Jobs) == 0 {
		return err
	}
	t := cli.NewTable("JOB", "KIND", "QUEUE", "ATTEMPT", "SINCE")
	for _, j := range w.Jobs {
		t.Row(cli.Cell{Text: j.ID}, cli.Cell{Text: j.Kind}, cli.Cell{Text: j.Queue},
			cli.Cell{Text: strconv.Itoa(j.Attempt), Right: true}, cli.Cell{Text: ago(f.now.Sub(j.Since))})
	}
	if err := call.Println(""); err != nil {
		return err
	}
	return call.Table(t, "")
}
