package produce

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"github.com/drayhorse/drayhorse"
	"github.com/drayhorse/drayhorse/internal/cli"
)

type enqueueConfig struct {
	cli.Common `yaml:",inline"`

	Kind        *string        `yaml:"-" flag:"kind" arg:"NAME" usage:"which handler is to do it (required)"`
	Args        string         `yaml:"-" flag:"args" arg:"JSON" usage:"its arguments; - reads them from stdin"`
	Queue       *string        `yaml:"-" flag:"queue" arg:"NAME" usage:"queue (default the queue default)"`
	In          *time.Duration `yaml:"-" flag:"in" usage:"run it that long from now"`
	At          *time.Time     `yaml:"-" flag:"at" arg:"RFC3339" usage:"run it then"`
	ID          *string        `yaml:"-" flag:"id" arg:"ID" usage:"ID of your own: a job that the queue knows already is not added again"`
	MaxAttempts *int           `yaml:"-" flag:"max-attempts" arg:"N" usage:"how often it may fail (default 25)"`
	Timeout     *time.Duration `yaml:"-" flag:"timeout" usage:"how long one attempt may take (default 30m)"`
	Retain      *time.Duration `yaml:"-" flag:"retain" usage:"keep it that long after it completed (default 0, with --wait 1h)"`
	Wait        bool           `yaml:"-" flag:"wait" usage:"follow it to its end and fail unless it completed"`
	JSON        bool           `yaml:"-" flag:"json" usage:"print all that is known of it, not its ID alone"`
}

func enqueueCommand() *cobra.Command {
	return cli.Def[enqueueConfig]{
		Name:    "enqueue",
		Short:   "Put one job in and print its ID",
		Example: `  producer enqueue --kind digest --args '{"path":"/etc/hostname"}' --wait --json`,
		Config:  enqueueConfig{Common: cli.DefaultCommon()},
		Run:     enqueue,
	}.Command()
}

// waitedRetain is how long a job that is waited for is kept, so that its end can
// be seen.
const waitedRetain = time.Hour

func (c *enqueueConfig) options() []drayhorse.Option {
	var options []drayhorse.Option
	add(&options, c.Queue, drayhorse.Queue)
	add(&options, c.In, drayhorse.In)
	add(&options, c.At, drayhorse.At)
	add(&options, c.ID, drayhorse.ID)
	add(&options, c.MaxAttempts, drayhorse.MaxAttempts)
	add(&options, c.Timeout, drayhorse.Timeout)
	if c.Wait {
		options = append(options, drayhorse.Retain(waitedRetain))
	}
	add(&options, c.Retain, drayhorse.Retain)
	return options
}

// add makes an option of a value that was given.
func add[T any](options *[]drayhorse.Option, value *T, option func(T) drayhorse.Option) {
	if value != nil {
		*options = append(*options, option(*value))
	}
}

func enqueue(ctx context.Context, call *cli.Call, cfg *enqueueConfig) error {
	if cfg.Kind == nil {
		return cli.Usagef("no --kind is given; want the kind of the job")
	}
	args, err := readArgs(cfg.Args, call.Stdin)
	if err != nil {
		return err
	}
	p, err := open(cfg.Connection, call)
	if err != nil {
		return err
	}
	defer p.Close()
	info, err := p.EnqueueRaw(ctx, *cfg.Kind, args, cfg.options()...)
	if err != nil {
		return err
	}
	if !cfg.JSON {
		if err := call.Println(info.ID); err != nil {
			return err
		}
	}
	if cfg.Wait {
		if info, err = follow(ctx, p, info); err != nil {
			return err
		}
	}
	if cfg.JSON {
		if err := cli.PrintJSON(call.Stdout, info); err != nil {
			return err
		}
	}
	if cfg.Wait && info.State != drayhorse.Completed {
		return notCompleted(info)
	}
	return nil
}

// readArgs gives the arguments as they were typed, or all of stdin for "-".
func readArgs(text string, stdin io.Reader) (json.RawMessage, error) {
	if text != "-" {
		return json.RawMessage(text), nil
	}
	args, err := io.ReadAll(io.LimitReader(stdin, drayhorse.DefaultMaxArgs+1)) // one more is refused by the producer
	if err != nil {
		return nil, fmt.Errorf("read arguments from stdin: %w", err)
	}
	return args, nil
}

func notCompleted(info *drayhorse.Info) error {
	err := fmt.Errorf("job %s was %s", info.ID, info.State)
	if n := len(info.Errors); n > 0 {
		err = fmt.Errorf("%w in attempt %d: %s", err, info.Errors[n-1].Attempt, info.Errors[n-1].Message)
	}
	return err
}

// The pauses between two looks at a job that is waited for.
const (
	firstPause   = 10 * time.Millisecond
	longestPause = time.Second
)

// getter looks jobs up.
type getter interface {
	Get(ctx context.Context, id string, options ...drayhorse.Option) (*drayhorse.Info, error)
}

// follow waits until a job has ended, however long Redis is away meanwhile.
func follow(ctx context.Context, p getter, info *drayhorse.Info) (*drayhorse.Info, error) {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for pause := firstPause; ; pause = min(pause*3/2, longestPause) {
		timer.Reset(pause)
		select {
		case <-ctx.Done():
			return nil, fmt.Errorf("%w; job %s goes on", context.Cause(ctx), info.ID)
		case <-timer.C:
		}
		now, err := p.Get(ctx, info.ID, drayhorse.Queue(info.Queue))
		switch {
		case errors.Is(err, drayhorse.ErrUnavailable) && ctx.Err() == nil:
		case err != nil && ctx.Err() == nil:
			return nil, fmt.Errorf("wait for job %s: %w", info.ID, err)
		case err == nil && now.State.Ended():
			now.Duplicate = info.Duplicate
			return now, nil
		}
	}
}
