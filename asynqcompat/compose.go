package asynqcompat

import (
	"context"
	"errors"
	"fmt"
	"net"

	"github.com/hibiken/asynq"
	goredis "github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/maintnotifications"

	"github.com/drayhorse/drayhorse"
)

// composer has asynq itself work out what the options of a task come to: those that
// NewTask was given can be read by nobody else. It is an asynq client whose Redis is
// a hook that takes everything and keeps nothing.
type composer struct {
	redis  *goredis.Client
	client *asynq.Client
}

func newComposer() *composer {
	r := goredis.NewClient(&goredis.Options{
		Addr: "composer", MaxRetries: -1,
		MaintNotificationsConfig: &maintnotifications.Config{Mode: maintnotifications.ModeDisabled},
	})
	r.AddHook(yesMan{})
	return &composer{redis: r, client: asynq.NewClientFromRedisClient(r)}
}

func (c *composer) close() error {
	if err := c.redis.Close(); !errors.Is(err, goredis.ErrClosed) { // closing twice is harmless
		return err
	}
	return nil
}

// compose says what asynq would make of a task. The info has no ID if the task was
// given none. The error is asynq's own, or drayhorse.ErrInvalid for the options that
// are not supported.
func (c *composer) compose(ctx context.Context, task *asynq.Task, options []asynq.Option) (*asynq.TaskInfo, error) {
	info, err := c.client.EnqueueContext(ctx, task, options...)
	switch {
	case errors.Is(err, asynq.ErrDuplicateTask): // see yesMan
		return nil, fmt.Errorf("%w: option Unique of task %q is not supported; want a TaskID that says what is unique", drayhorse.ErrInvalid, task.Type())
	case err != nil:
		return nil, err
	case info.Group != "":
		return nil, fmt.Errorf("%w: option Group(%q) of task %q is not supported; want it left out", drayhorse.ErrInvalid, info.Group, info.Type)
	}
	// An ID that asynq has made up is another one the next time.
	again, err := c.client.EnqueueContext(ctx, task, options...)
	if err != nil {
		return nil, err
	}
	if again.ID != info.ID {
		info.ID = ""
	}
	return info, nil
}

// yesMan answers commands in place of Redis.
type yesMan struct{}

// taken is the answer to every script. Asynq takes it as success, but for a task with
// the option Unique: to that it means that there is one already.
const taken = int64(-1)

func (yesMan) ProcessHook(goredis.ProcessHook) goredis.ProcessHook {
	return func(_ context.Context, cmd goredis.Cmder) error {
		switch cmd := cmd.(type) {
		case *goredis.Cmd:
			cmd.SetVal(taken)
		case *goredis.IntCmd:
			cmd.SetVal(1)
		default:
			return fmt.Errorf("asynqcompat: asynq sends %s to enqueue", cmd.Name())
		}
		return nil
	}
}

func (yesMan) ProcessPipelineHook(goredis.ProcessPipelineHook) goredis.ProcessPipelineHook {
	return func(context.Context, []goredis.Cmder) error {
		return errors.New("asynqcompat: asynq sends a pipeline to enqueue")
	}
}

func (yesMan) DialHook(goredis.DialHook) goredis.DialHook {
	return func(context.Context, string, string) (net.Conn, error) {
		return nil, errors.New("asynqcompat: asynq dials to enqueue")
	}
}
