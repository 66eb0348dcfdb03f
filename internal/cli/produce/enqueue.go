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

	Kind         *string        `yaml:"-" flag:"kind" arg:"NAME" usage:"kind of the job, which selects its handler (required)"`
	Args         string         `yaml:"-" flag:"args" arg:"JSON" usage:"its arguments; - reads them from stdin"`
	Queue        *string        `yaml:"-" flag:"queue" arg:"NAME" usage:"queue of the job (default \"default\")"`
	In           *time.Duration `yaml:"-" flag:"in" usage:"delay before it runs"`
	At           *time.Time     `yaml:"-" flag:"at" arg:"RFC3339" usage:"time at which it runs"`
	ID           *string        `yaml:"-" flag:"id" arg:"ID" usage:"ID of your own: a job that the queue knows already is not added again"`
	ReplaceEnded bool           `yaml:"-" flag:"replace-ended" usage:"with --id: take the place of a job of that ID that has ended"`
	Unique       *string        `yaml:"-" flag:"unique" arg:"KEY" bare:"true" usage:"no second one with the same kind and arguments, or the same KEY, until it has ended"`

	MaxAttempts *int                `yaml:"-" flag:"max-attempts" arg:"N" usage:"how often it may fail (default 25)"`
	Timeout     *time.Duration      `yaml:"-" flag:"timeout" usage:"how long one attempt may take (default 30m)"`
	StartWithin *time.Duration      `yaml:"-" flag:"start-within" usage:"discard it if it has not started within that time after it is due"`
	Priority    *drayhorse.Priority `yaml:"-" flag:"priority" arg:"PRIORITY" values:"low,normal,high,urgent" usage:"which of the jobs that wait start first: low, normal, high or urgent (default normal)"`
	Group       *string             `yaml:"-" flag:"group" arg:"GROUP" usage:"its group, such as a tenant: groups of a queue take turns"`
	Tags        cli.Tags            `yaml:"-" flag:"tag" arg:"TAG" usage:"a word by which it is found later; may come several times"`
	Retain      *time.Duration      `yaml:"-" flag:"retain" usage:"keep it that long after it completed (default 0, with --wait 1h)"`
	Wait        bool                `yaml:"-" flag:"wait" usage:"follow it to its end and fail unless it completed"`
	JSON        bool                `yaml:"-" flag:"json" usage:"print all that is known of it, not its ID alone"`
}

func enqueueCommand() *cobra.Command {
	return cli.Def[enqueueConfig]{
		Name:  "enqueue",
		Short: "Enqueue one job and print its ID",
		Long: `Enqueue one job and print its ID. With --wait, follow it to its end; a signal ends the
wait at once, and the job goes on.`,
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
	if c.ReplaceEnded {
		options = append(options, drayhorse.ReplaceEnded())
	}
	if c.Unique != nil {
		by := drayhorse.UniqueBy{Key: *c.Unique}
		if *c.Unique == "true" { // what the flag says alone
			by.Key = ""
		}
		options = append(options, drayhorse.Unique(by))
	}
	add(&options, c.MaxAttempts, drayhorse.MaxAttempts)
	add(&options, c.Timeout, drayhorse.Timeout)
	add(&options, c.StartWithin, drayhorse.StartWithin)
	add(&options, c.Priority, func(p drayhorse.Priority) drayhorse.Option { return p })
	add(&options, c.Group, drayhorse.Group)
	if len(c.Tags) > 0 {
		options = append(options, drayhorse.Tags(c.Tags...))
	}
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
	if cfg.Unique != nil && *cfg.Unique == "" {
		return cli.Usagef("--unique= is empty; want --unique for kind and arguments, or --unique=KEY")
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
		hint, done := hinter(cfg.Connection, call)
		defer done()
		if info, err = follow(ctx, p, info, hint); err != nil {
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

// waiter waits for jobs, and looks them up.
type waiter interface {
	Wait(ctx context.Context, id string, options ...drayhorse.Option) (*drayhorse.Info, error)
	Get(ctx context.Context, id string, options ...drayhorse.Option) (*drayhorse.Info, error)
}

// again is after how long a wait begins anew that Redis has not answered.
const again = 200 * time.Millisecond

// follow waits until a job has ended, however long Redis is away meanwhile. hint is told
// now and then how it is.
func follow(ctx context.Context, p waiter, info *drayhorse.Info, hint func(context.Context, *drayhorse.Info)) (*drayhorse.Info, error) {
	where := drayhorse.Queue(info.Queue)
	type end struct {
		info *drayhorse.Info
		err  error
	}
	ended := make(chan end, 1)
	wait := func() {
		now, err := p.Wait(ctx, info.ID, where)
		ended <- end{now, err}
	}
	go wait()
	ticker := time.NewTicker(hintAfter)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil, fmt.Errorf("%w; job %s goes on", context.Cause(ctx), info.ID)
		case e := <-ended:
			switch {
			case ctx.Err() != nil: // which ends the loop
			case errors.Is(e.err, drayhorse.ErrUnavailable):
				time.AfterFunc(again, wait)
			case e.err != nil:
				return nil, fmt.Errorf("wait for job %s: %w", info.ID, e.err)
			default:
				e.info.Duplicate = info.Duplicate
				return e.info, nil
			}
		case <-ticker.C:
			if now, err := p.Get(ctx, info.ID, where); err == nil && !now.State.Ended() {
				hint(ctx, now)
			}
		}
	}
}
