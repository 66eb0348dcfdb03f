package systems

import (
	"context"
	"encoding/json"
	"errors"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

const natsName = "jobs"

// natsSession is a work-queue stream of JetStream with one durable pull consumer.
type natsSession struct {
	conn   *nats.Conn
	js     jetstream.JetStream
	stream jetstream.Stream
	pad    string
}

func openNATS(ctx context.Context, s Setting) (Session, error) {
	conn, err := nats.Connect(s.Place.URL)
	if err != nil {
		return nil, err
	}
	js, err := jetstream.New(conn, jetstream.WithPublishAsyncMaxPending(4000))
	if err != nil {
		return nil, err
	}
	if err := js.DeleteStream(ctx, natsName); err != nil && !errors.Is(err, jetstream.ErrStreamNotFound) {
		return nil, err
	}
	storage := jetstream.MemoryStorage
	if s.Place.Durable {
		storage = jetstream.FileStorage
	}
	stream, err := js.CreateStream(ctx, jetstream.StreamConfig{
		Name: natsName, Subjects: []string{natsName}, Retention: jetstream.WorkQueuePolicy, Storage: storage,
	})
	if err != nil {
		return nil, err
	}
	return &natsSession{conn, js, stream, padding(s.ArgBytes)}, nil
}

func (s *natsSession) EnqueueMany(ctx context.Context, first, n int) error {
	var acks []jetstream.PubAckFuture
	for job := range n {
		ack, err := s.js.PublishAsync(natsName, arguments(first+job, s.pad), jetstream.WithStallWait(10*time.Second))
		if err != nil {
			return err
		}
		acks = append(acks, ack)
	}
	select {
	case <-s.js.PublishAsyncComplete():
	case <-ctx.Done():
		return ctx.Err()
	}
	for _, ack := range acks {
		select {
		case err := <-ack.Err():
			return err
		default:
		}
	}
	return nil
}

func (s *natsSession) Enqueue(ctx context.Context, job int) error {
	_, err := s.js.Publish(ctx, natsName, arguments(job, s.pad))
	return err
}

// Work fetches without a pause between the batches, which is the faster of the two
// ways, and acknowledges without waiting for the confirmation.
func (s *natsSession) Work(ctx context.Context, concurrency int, handle func(job int)) error {
	consumer, err := s.stream.CreateOrUpdateConsumer(ctx, jetstream.ConsumerConfig{
		Durable: natsName, AckPolicy: jetstream.AckExplicitPolicy, MaxAckPending: 10_000,
	})
	if err != nil {
		return err
	}
	messages, err := consumer.Messages(jetstream.PullMaxMessages(max(concurrency, 500)))
	if err != nil {
		return err
	}
	go func() { <-ctx.Done(); messages.Stop() }()
	ready := make(chan jetstream.Msg, concurrency)
	var wg sync.WaitGroup
	for range concurrency {
		wg.Go(func() {
			for message := range ready {
				var args noop
				if json.Unmarshal(message.Data(), &args) == nil {
					handle(args.N)
					_ = message.Ack()
				}
			}
		})
	}
	for {
		message, err := messages.Next()
		if err != nil {
			close(ready)
			wg.Wait()
			if errors.Is(err, jetstream.ErrMsgIteratorClosed) {
				return s.conn.Flush()
			}
			return err
		}
		ready <- message
	}
}

// Bytes is what the stream says of itself.
func (s *natsSession) Bytes(ctx context.Context) (float64, error) {
	info, err := s.stream.Info(ctx)
	if err != nil {
		return 0, err
	}
	return float64(info.State.Bytes), nil
}

func (s *natsSession) Close() { s.conn.Close() }
