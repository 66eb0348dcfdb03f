package systems

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"

	"github.com/drayhorse/drayhorse/bench/internal/process"
)

// bullMQDir is where the program for node is, seen from the directory of this module.
const bullMQDir = "bullmq"

// bullMQMissing installs BullMQ beside its program when it is not there yet.
func bullMQMissing() error {
	if err := errors.Join(process.Installed("node", "Debian's package nodejs"), process.Installed("npm", "Debian's package npm")); err != nil {
		return err
	}
	if _, err := os.Stat(bullMQDir + "/node_modules/bullmq"); err == nil {
		return nil
	}
	cmd := exec.Command("npm", "ci", "--no-audit", "--no-fund", "--ignore-scripts") //nolint:noctx // npm has timeouts of its own
	cmd.Dir = bullMQDir
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("npm ci: %w\n%s", err, out)
	}
	return nil
}

// bullMQSession gives orders to bullmq/main.js, a line each. Its answers are lines
// too: "handled" with the jobs, and "ok" or "error" for the order before.
type bullMQSession struct {
	onRedis
	process *process.Process
	answers chan string

	mu     sync.Mutex
	handle func(job int)
}

func openBullMQ(ctx context.Context, s Setting) (Session, error) {
	if err := flush(ctx, s.Place.Direct); err != nil {
		return nil, err
	}
	u, err := url.Parse(s.Place.URL)
	if err != nil {
		return nil, err
	}
	host, port, err := net.SplitHostPort(u.Host)
	if err != nil {
		return nil, err
	}
	cmd := exec.CommandContext(ctx, "node", "main.js", host, port, strconv.Itoa(s.ArgBytes)) //nolint:gosec // the program beside this one
	cmd.Dir = bullMQDir
	p, err := process.Start(cmd)
	if err != nil {
		return nil, err
	}
	b := &bullMQSession{onRedis: onRedis{s.Place.Direct}, process: p, answers: make(chan string, 1)}
	go b.listen()
	_, err = b.answer(ctx) // it is ready
	return b, err
}

func (s *bullMQSession) listen() {
	defer close(s.answers)
	for s.process.Out.Scan() {
		line := s.process.Out.Text()
		jobs, ok := strings.CutPrefix(line, "handled ")
		if !ok {
			s.answers <- line
			continue
		}
		s.mu.Lock()
		handle := s.handle
		s.mu.Unlock()
		for field := range strings.FieldsSeq(jobs) {
			if job, err := strconv.Atoi(field); err == nil && handle != nil {
				handle(job)
			}
		}
	}
}

func (s *bullMQSession) order(ctx context.Context, format string, args ...any) (string, error) {
	if _, err := fmt.Fprintf(s.process.In, format+"\n", args...); err != nil {
		return "", err
	}
	return s.answer(ctx)
}

func (s *bullMQSession) answer(ctx context.Context) (string, error) {
	select {
	case line, open := <-s.answers:
		if !open {
			return "", errors.New("node has ended")
		}
		verb, rest, _ := strings.Cut(line, " ")
		if verb != "ok" {
			return "", fmt.Errorf("bullmq: %s", line)
		}
		return rest, nil
	case <-ctx.Done():
		return "", ctx.Err()
	}
}

func (s *bullMQSession) EnqueueMany(ctx context.Context, first, n int) error {
	_, err := s.order(ctx, "bulk %d %d", first, n)
	return err
}

// EnqueueFrom has that many calls under way in the one thread of node.
func (s *bullMQSession) EnqueueFrom(ctx context.Context, callers, n int) error {
	_, err := s.order(ctx, "enqueue %d %d", callers, n)
	return err
}

func (s *bullMQSession) Enqueue(context.Context, int) error {
	return errors.New("bullmq: jobs are enqueued by EnqueueFrom")
}

func (s *bullMQSession) Probe(ctx context.Context, concurrency, probes int) ([]float64, error) {
	if _, err := s.order(ctx, "work %d", concurrency); err != nil {
		return nil, err
	}
	text, err := s.order(ctx, "probe %d", probes)
	if err != nil {
		return nil, err
	}
	var waits []float64
	return waits, json.Unmarshal([]byte(text), &waits)
}

func (s *bullMQSession) Work(ctx context.Context, concurrency int, handle func(job int)) error {
	s.mu.Lock()
	s.handle = handle
	s.mu.Unlock()
	if _, err := s.order(ctx, "work %d", concurrency); err != nil {
		return err
	}
	<-ctx.Done()
	_, err := s.order(context.WithoutCancel(ctx), "rest")
	return err
}

func (s *bullMQSession) CPU() (float64, error) { return process.CPU(s.process.Cmd.Process.Pid) }

func (s *bullMQSession) Close() { s.process.Kill() }
