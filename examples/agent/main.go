// Command agent is a worker whose handler lets a model call tools, and asks a human before those
// that do something. Each answer of the model and each call of a tool is a step: what has been
// paid for and done is not done again when the worker dies, and nobody's approval keeps a slot
// busy for days.
//
//	go run ./examples/agent -ask "Refund order 7"
//	go run ./cmd/drayhorse jobs signal JOB approve-2 true      # as it tells
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"log"
	"log/slog"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/drayhorse/drayhorse"
	"github.com/drayhorse/drayhorse/producer"
	"github.com/drayhorse/drayhorse/step"
	"github.com/drayhorse/drayhorse/worker"
)

// Ask is a question for the agent.
type Ask struct {
	Question string `json:"question"`
}

// Kind names the handler.
func (Ask) Kind() string { return "ask" }

// Message is a line of the talk with the model.
type Message struct {
	From string `json:"from"` // user, model, or the name of a tool
	Text string `json:"text,omitempty"`
	Call *Call  `json:"call,omitempty"` // of a tool that the model wants; nil: Text is its answer
}

// Call is a call of a tool.
type Call struct {
	Tool string `json:"tool"`
	Arg  string `json:"arg"`
}

// Model answers a talk. It stands for a call to a language model.
type Model func(ctx context.Context, talk []Message) (Message, error)

// Tool does what the model asks for.
type Tool struct {
	Run func(ctx context.Context, arg string) (string, error)
	Ask bool // a human first
}

// Agent is what the handler needs.
type Agent struct {
	Model Model
	Tools map[string]Tool
}

const (
	maxTurns = 20
	patience = 72 * time.Hour // of the agent, with humans
)

// errTurns is why an agent gives up.
var errTurns = errors.New("the model came to no answer")

// Handle answers a question.
func (a *Agent) Handle(ctx context.Context, job *drayhorse.Job[Ask]) error {
	talk := []Message{{From: "user", Text: job.Args.Question}}
	for n := range maxTurns {
		said, err := step.Run(ctx, fmt.Sprint("model-", n), func(ctx context.Context) (Message, error) { return a.Model(ctx, talk) })
		if err != nil {
			return err // the job's retry asks the model again, for this answer alone
		}
		if said.Call == nil {
			return job.SetResult(said.Text)
		}
		done, err := a.call(ctx, n, said.Call)
		if err != nil {
			return err
		}
		talk = append(talk, said, Message{From: said.Call.Tool, Text: done})
	}
	return drayhorse.Discard(errTurns)
}

// call has a tool run, once, and asks a human first if it is to.
func (a *Agent) call(ctx context.Context, n int, call *Call) (string, error) {
	tool, known := a.Tools[call.Tool]
	if !known {
		return "there is no such tool", nil
	}
	if tool.Ask {
		approved, err := step.WaitSignal[bool](ctx, fmt.Sprint("approve-", n), patience)
		switch {
		case errors.Is(err, step.ErrTimeout):
			return "nobody approved that in time", nil
		case err != nil: // also while the job waits
			return "", err
		case !approved:
			return "a human said no", nil
		}
	}
	return step.Run(ctx, fmt.Sprint("tool-", n), func(ctx context.Context) (string, error) { return tool.Run(ctx, call.Arg) })
}

// demo is an agent whose model has learned three lines by heart.
func demo() *Agent {
	return &Agent{
		Model: func(_ context.Context, talk []Message) (Message, error) {
			lines := []Message{
				{From: "model", Call: &Call{Tool: "look_up", Arg: "order 7"}},
				{From: "model", Call: &Call{Tool: "look_up", Arg: "payment 12"}},
				{From: "model", Call: &Call{Tool: "refund", Arg: "payment 12"}},
			}
			if n := len(talk) / 2; n < len(lines) {
				return lines[n], nil
			}
			return Message{From: "model", Text: "Done: " + talk[len(talk)-1].Text}, nil
		},
		Tools: map[string]Tool{
			"look_up": {Run: func(_ context.Context, arg string) (string, error) { return arg + " is there", nil }},
			"refund":  {Run: func(_ context.Context, arg string) (string, error) { return arg + " is refunded", nil }, Ask: true},
		},
	}
}

func newWorker(redisURL string, agent *Agent) (*worker.Worker, error) {
	w, err := worker.New(worker.Config{
		RedisURL: redisURL, Queues: map[string]int{"agent": 1},
		Logger: slog.New(slog.NewTextHandler(os.Stderr, nil)),
	})
	if err == nil {
		worker.Handle(w, agent.Handle)
	}
	return w, err
}

func main() {
	redisURL := flag.String("redis", "redis://127.0.0.1:6379/0", "where Redis is")
	question := flag.String("ask", "Refund order 7", "what the agent is asked")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	err := run(ctx, *redisURL, *question)
	stop()
	if err != nil {
		log.Fatal(err)
	}
}

// run asks one question, and works until it is answered.
func run(ctx context.Context, redisURL, question string) error {
	p, err := producer.New(producer.Config{RedisURL: redisURL})
	if err != nil {
		return err
	}
	defer p.Close()
	w, err := newWorker(redisURL, demo())
	if err != nil {
		return err
	}
	info, err := p.Enqueue(ctx, Ask{Question: question}, drayhorse.Queue("agent"), drayhorse.Retain(time.Hour))
	if err != nil {
		return err
	}
	fmt.Printf("to approve: drayhorse jobs signal %s approve-2 true\n", info.ID)
	working, stop := context.WithCancel(ctx)
	done := make(chan error, 1)
	go func() { done <- w.Run(working) }()
	ended, err := p.Wait(ctx, info.ID)
	stop()
	if err := errors.Join(err, <-done); err != nil {
		return err
	}
	fmt.Println(string(ended.Result))
	return nil
}
