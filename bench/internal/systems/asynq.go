package systems

import (
	"context"
	"encoding/json"

	"github.com/hibiken/asynq"
)

// asynqSession is asynq at its defaults, its log off.
type asynqSession struct {
	onRedis
	opt    asynq.RedisClientOpt
	client *asynq.Client
	pad    string
}

// asynqCallers stand in for the bulk call that asynq does not have.
const asynqCallers = 32

func openAsynq(ctx context.Context, s Setting) (Session, error) {
	if err := flush(ctx, s.Place.Direct); err != nil {
		return nil, err
	}
	opt, err := asynq.ParseRedisURI(s.Place.URL)
	if err != nil {
		return nil, err
	}
	client := opt.(asynq.RedisClientOpt)
	client.PoolSize = s.Concurrency + s.Callers
	return &asynqSession{onRedis{s.Place.Direct}, client, asynq.NewClient(client), padding(s.ArgBytes)}, nil
}

func (s *asynqSession) EnqueueMany(ctx context.Context, first, n int) error {
	return spread(asynqCallers, first, n, func(job int) error { return s.Enqueue(ctx, job) })
}

func (s *asynqSession) Enqueue(ctx context.Context, job int) error {
	_, err := s.client.EnqueueContext(ctx, asynq.NewTask("noop", arguments(job, s.pad)))
	return err
}

func (s *asynqSession) Work(ctx context.Context, concurrency int, handle func(job int)) error {
	server := asynq.NewServer(s.opt, asynq.Config{Concurrency: concurrency, LogLevel: asynq.FatalLevel})
	mux := asynq.NewServeMux()
	mux.HandleFunc("noop", func(_ context.Context, task *asynq.Task) error {
		var args noop
		if err := json.Unmarshal(task.Payload(), &args); err != nil {
			return err
		}
		handle(args.N)
		return nil
	})
	if err := server.Start(mux); err != nil {
		return err
	}
	<-ctx.Done()
	server.Shutdown()
	return nil
}

func (s *asynqSession) Close() { _ = s.client.Close() }
