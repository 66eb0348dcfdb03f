package worker

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"testing"
	"time"

	"github.com/drayhorse/drayhorse"
	"github.com/drayhorse/drayhorse/internal/redistest"
	"github.com/drayhorse/drayhorse/producer"
)

// reportingWorker runs a worker whose handler is the test's, and a producer.
func reportingWorker(t *testing.T, url, namespace string, handle func(ctx context.Context, job *drayhorse.Job[json.RawMessage]) error) *producer.Producer {
	t.Helper()
	w, err := New(Config{RedisURL: url, Namespace: namespace, Queues: map[string]int{"default": 1}, Concurrency: 4, Retry: Constant(0)})
	if err != nil {
		t.Fatal(err)
	}
	HandleKind(w, "k", handle)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- w.Run(ctx) }()
	p, err := producer.New(producer.Config{RedisURL: url, Namespace: namespace})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = p.Close()
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	return p
}

func enqueueK(t *testing.T, p *producer.Producer, options ...drayhorse.Option) string {
	t.Helper()
	info, err := p.EnqueueRaw(t.Context(), "k", nil, options...)
	if err != nil {
		t.Fatal(err)
	}
	return info.ID
}

// TestReportsAreSeen while the job runs and after its end, whenever they were made.
func TestReportsAreSeen(t *testing.T) {
	t.Parallel()
	for name, url := range map[string]string{"single": redistest.Shared(t), "cluster": redistest.SharedCluster(t)} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			goOn := make(chan struct{})
			p := reportingWorker(t, url, redistest.Namespace(t), func(_ context.Context, job *drayhorse.Job[json.RawMessage]) error {
				log := job.Log().With(slog.String("step", "one"))
				log.Info("began", slog.Group("size", slog.Int("w", 640)))
				if err := job.Progress(0.4, "resizing"); err != nil {
					return err
				}
				if err := job.Progress(2, ""); !errors.Is(err, drayhorse.ErrInvalid) {
					t.Errorf("progress of 2: %v", err)
				}
				<-goOn
				log.Error("ends")
				return job.Progress(1, "done") // is written with the end
			})
			id := enqueueK(t, p, drayhorse.Retain(time.Hour))
			redistest.Eventually(t, 5*time.Second, "the progress is seen", func() bool {
				info, err := p.Get(t.Context(), id)
				return err == nil && info.Progress != nil && info.Progress.Fraction == 0.4 && info.Progress.Text == "resizing" && info.Progress.Attempt == 1
			})
			log, err := p.Log(t.Context(), id)
			if err != nil || len(log.Lines) != 1 || log.Lines[0].Message != "began" || string(log.Lines[0].Attrs) != `{"step":"one","size":{"w":640}}` {
				t.Errorf("log = %+v, %v", log, err)
			}
			close(goOn)
			info, err := p.Wait(t.Context(), id)
			if err != nil || info.Progress == nil || info.Progress.Text != "done" {
				t.Errorf("at the end: %+v, %v", info, err)
			}
			if log, err = p.Log(t.Context(), id); err != nil || len(log.Lines) != 2 || log.Lines[1].Level != slog.LevelError {
				t.Errorf("log = %+v, %v", log, err)
			}
		})
	}
}

// readAll reads a stream to its end, from an offset on, and gives what the last run wrote.
func readAll(ctx context.Context, p *producer.Producer, id string, offset int64) (data []byte, err error) {
	s, err := p.ReadStream(ctx, id, "tokens", offset)
	if err != nil {
		return nil, err
	}
	defer s.Close()
	for {
		chunk, err := s.Next(ctx)
		if errors.Is(err, io.EOF) {
			return data, nil
		}
		if err != nil {
			return data, err
		}
		if chunk.Restarted {
			data = nil
		}
		data = append(data, chunk.Data...)
	}
}

// TestReportsOfAStream: 100,000 parts, read by one who came early, one who was interrupted and
// one who came late, are the same.
func TestReportsOfAStream(t *testing.T) {
	t.Parallel()
	const parts = 100_000
	var want bytes.Buffer
	for i := range parts {
		fmt.Fprintf(&want, "token %d ", i)
	}
	p := reportingWorker(t, redistest.Shared(t), redistest.Namespace(t), func(_ context.Context, job *drayhorse.Job[json.RawMessage]) error {
		out, err := job.Stream("tokens")
		if err != nil {
			return err
		}
		for i := range parts {
			if _, err := fmt.Fprintf(out, "token %d ", i); err != nil {
				return err
			}
			if i%20_000 == 0 {
				time.Sleep(150 * time.Millisecond) // as a model does: readers come in between
			}
		}
		return nil
	})
	id := enqueueK(t, p) // it keeps nothing but the minute
	type read struct {
		data []byte
		err  error
	}
	early, interrupted := make(chan read, 1), make(chan read, 1)
	go func() {
		data, err := readAll(t.Context(), p, id, 0)
		early <- read{data, err}
	}()
	go func() {
		s, err := p.ReadStream(t.Context(), id, "tokens", 0)
		if err != nil {
			interrupted <- read{nil, err}
			return
		}
		chunk, err := s.Next(t.Context())
		_ = s.Close()
		if err != nil {
			interrupted <- read{nil, err}
			return
		}
		rest, err := readAll(t.Context(), p, id, chunk.Offset)
		interrupted <- read{append(chunk.Data, rest...), err}
	}()
	for name, c := range map[string]chan read{"early": early, "interrupted": interrupted} {
		if r := <-c; r.err != nil || !bytes.Equal(r.data, want.Bytes()) {
			t.Errorf("%s: %d bytes, want %d: %v", name, len(r.data), want.Len(), r.err)
		}
	}
	late, err := readAll(t.Context(), p, id, 0)
	if err != nil || !bytes.Equal(late, want.Bytes()) {
		t.Errorf("late: %d bytes, want %d: %v", len(late), want.Len(), err)
	}
	if _, err := p.ReadStream(t.Context(), id, "none", 0); !errors.Is(err, drayhorse.ErrNotFound) {
		t.Errorf("another stream: %v", err)
	}
}

// TestReportsOfANewRun: who reads learns that it began, and gets what it writes.
func TestReportsOfANewRun(t *testing.T) {
	t.Parallel()
	fail := make(chan struct{})
	p := reportingWorker(t, redistest.Shared(t), redistest.Namespace(t), func(_ context.Context, job *drayhorse.Job[json.RawMessage]) error {
		out, err := job.Stream("tokens")
		if err != nil {
			return err
		}
		if _, err := fmt.Fprintf(out, "attempt %d", job.Attempt); err != nil {
			return err
		}
		if job.Attempt == 1 {
			<-fail
			return errors.New("no")
		}
		return nil
	})
	id := enqueueK(t, p)
	s, err := p.ReadStream(t.Context(), id, "tokens", 0)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	chunk, err := s.Next(t.Context())
	if err != nil || string(chunk.Data) != "attempt 1" || chunk.Restarted || chunk.Attempt != 1 {
		t.Fatalf("first: %+v, %v", chunk, err)
	}
	close(fail)
	if chunk, err = s.Next(t.Context()); err != nil || string(chunk.Data) != "attempt 2" || !chunk.Restarted || chunk.Attempt != 2 {
		t.Fatalf("second: %+v, %v", chunk, err)
	}
	if _, err = s.Next(t.Context()); !errors.Is(err, io.EOF) {
		t.Errorf("at the end: %v", err)
	}
}

func TestReportsHaveLimits(t *testing.T) {
	t.Parallel()
	failed := make(chan error, 1)
	p := reportingWorker(t, redistest.Shared(t), redistest.Namespace(t), func(_ context.Context, job *drayhorse.Job[json.RawMessage]) error {
		failed <- func() error {
			for i := range drayhorse.MaxStreams {
				if _, err := job.Stream(fmt.Sprint("s", i)); err != nil {
					return err
				}
			}
			if _, err := job.Stream("another"); !errors.Is(err, drayhorse.ErrInvalid) {
				return fmt.Errorf("another stream: %w", err)
			}
			if _, err := job.Stream("a/b"); !errors.Is(err, drayhorse.ErrInvalid) {
				return fmt.Errorf("a/b: %w", err)
			}
			out, err := job.Stream("s1")
			if err != nil {
				return err
			}
			if _, err := out.Write(make([]byte, drayhorse.MaxStreamBytes)); err != nil {
				return err
			}
			if n, err := out.Write([]byte("x")); n != 0 || !errors.Is(err, drayhorse.ErrInvalid) {
				return fmt.Errorf("one byte more: %d, %w", n, err)
			}
			for i := range 5000 {
				job.Log().Info(fmt.Sprint("line ", i))
			}
			return nil
		}()
		return nil
	})
	id := enqueueK(t, p, drayhorse.Retain(time.Hour))
	if err := <-failed; err != nil {
		t.Error(err)
	}
	if _, err := p.Wait(t.Context(), id); err != nil {
		t.Fatal(err)
	}
	log, err := p.Log(t.Context(), id)
	if err != nil || len(log.Lines) != drayhorse.MaxLogLines || log.Dropped != 4000 || log.Lines[999].Message != "line 4999" {
		t.Errorf("%d lines, %d dropped, %v", len(log.Lines), log.Dropped, err)
	}
	total := int64(0)
	s, err := p.ReadStream(t.Context(), id, "s1", 0)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	for {
		chunk, err := s.Next(t.Context())
		if err != nil {
			break
		}
		total += int64(len(chunk.Data))
	}
	if total != drayhorse.MaxStreamBytes {
		t.Errorf("read %d bytes", total)
	}
}

// TestReportsOutlastAnOutage: what was reported while Redis was away is there when it is back.
func TestReportsOutlastAnOutage(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t)
	proxy := redistest.NewProxy(t, server.Addr)
	began, goOn := make(chan struct{}), make(chan struct{})
	p := reportingWorker(t, "redis://"+proxy.Addr, "", func(_ context.Context, job *drayhorse.Job[json.RawMessage]) error {
		close(began)
		<-goOn
		job.Log().Info("while it was away")
		time.Sleep(1500 * time.Millisecond) // a flush fails
		return job.Progress(1, "")
	})
	id := enqueueK(t, p, drayhorse.Retain(time.Hour))
	<-began
	proxy.Refuse()
	proxy.CloseAll()
	close(goOn)
	time.Sleep(2 * time.Second) // an outage takes its time
	proxy.Resume()
	redistest.Eventually(t, 15*time.Second, "the job has ended", func() bool {
		info, err := p.Get(t.Context(), id)
		return err == nil && info.State == drayhorse.Completed && info.Progress != nil
	})
	if log, err := p.Log(t.Context(), id); err != nil || len(log.Lines) != 1 {
		t.Errorf("log = %+v, %v", log, err)
	}
}
