package main

import (
	"context"
	"encoding/json"
	"sync"

	"github.com/hibiken/asynq"
)

// asynqSession is asynq at its defaults, its log off.
type asynqSession struct {
	opt    asynq.RedisConnOpt
	client *asynq.Client
	args   json.RawMessage
}

func openAsynq(url string, w workload) (session, error) {
	opt, err := asynq.ParseRedisURI(url)
	if err != nil {
		return nil, err
	}
	return &asynqSession{opt: opt, client: asynq.NewClient(opt), args: arguments(w)}, nil
}

// enqueueMany uses as many goroutines as the other measure: asynq has no bulk call.
func (s *asynqSession) enqueueMany(ctx context.Context, n int) error {
	var wg sync.WaitGroup
	errs := make(chan error, enqueuers)
	for i := range enqueuers {
		share := n / enqueuers
		if i < n%enqueuers {
			share++
		}
		wg.Go(func() {
			for range share {
				if err := s.enqueue(ctx); err != nil {
					errs <- err
					return
				}
			}
		})
	}
	wg.Wait()
	close(errs)
	return <-errs
}

func (s *asynqSession) enqueue(ctx context.Context) error {
	_, err := s.client.EnqueueContext(ctx, asynq.NewTask("noop", s.args))
	return err
}

func (s *asynqSession) work(ctx context.Context, concurrency int, handle func()) error {
	server := asynq.NewServer(s.opt, asynq.Config{Concurrency: concurrency, LogLevel: asynq.FatalLevel})
	mux := asynq.NewServeMux()
	mux.HandleFunc("noop", func(_ context.Context, task *asynq.Task) error {
		var args noop
		if err := json.Unmarshal(task.Payload(), &args); err != nil {
			return err
		}
		handle()
		return nil
	})
	if err := server.Start(mux); err != nil {
		return err
	}
	<-ctx.Done()
	server.Shutdown()
	return nil
}

func (s *asynqSession) close() { _ = s.client.Close() }
