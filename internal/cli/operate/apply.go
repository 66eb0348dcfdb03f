package operate

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strconv"

	"github.com/spf13/cobra"

	"github.com/drayhorse/drayhorse"
	"github.com/drayhorse/drayhorse/admin"
	"github.com/drayhorse/drayhorse/internal/cli"
	"github.com/drayhorse/drayhorse/internal/conf"
	"github.com/drayhorse/drayhorse/internal/jobs"
	"github.com/drayhorse/drayhorse/internal/printable"
)

// declarationLimits bound a file of queues and limits: some 5,000.
var declarationLimits = conf.Limits{Bytes: 1 << 20, Entries: 25_000}

// declarations are what a file declares of queues and limits.
type declarations struct {
	Queues map[string]struct {
		Partitions *int `yaml:"partitions"`
		MaxDepth   *int `yaml:"max_depth"`
	} `yaml:"queues"`
	Limits []cli.Limit `yaml:"limits"`
}

func readDeclarations(path string, stdin io.Reader) (d *declarations, err error) {
	var content []byte
	if path == "-" {
		content, err = io.ReadAll(io.LimitReader(stdin, int64(declarationLimits.Bytes)+1))
	} else {
		content, err = os.ReadFile(path)
	}
	if err != nil {
		return nil, cli.Usagef("--file: %v", err)
	}
	d = &declarations{}
	if _, err := conf.Decode(path, content, declarationLimits, d); err != nil {
		return nil, cli.Usagef("%v", err)
	}
	if err := d.validate(); err != nil {
		return nil, cli.Usagef("%s: %v", printable.Text(path), err)
	}
	return d, nil
}

// validate reports the first impossible value: nothing of a file is applied that has one.
func (d *declarations) validate() error {
	if len(d.Queues)+len(d.Limits) == 0 {
		return errors.New("it declares nothing; want queues or limits")
	}
	for _, name := range slices.Sorted(maps.Keys(d.Queues)) {
		q := d.Queues[name]
		if err := drayhorse.ValidateQueue(name); err != nil {
			return err
		}
		if n := q.Partitions; n != nil && (*n < 1 || *n > jobs.MaxPartitions) {
			return fmt.Errorf("queues.%s.partitions: %d; want 1 to %d", name, *n, jobs.MaxPartitions)
		}
		if n := q.MaxDepth; n != nil && (*n < 0 || *n > jobs.MaxDepth) {
			return fmt.Errorf("queues.%s.max_depth: %d; want 1 to %d, or 0 for any number", name, *n, jobs.MaxDepth)
		}
	}
	known := map[string]bool{}
	for i := range d.Limits {
		limit := d.Limits[i].Declared()
		if err := limit.Validate(); err != nil {
			return fmt.Errorf("limits[%d]: %w", i, err)
		}
		if known[limit.Name] {
			return fmt.Errorf("limits[%d]: limit %q comes twice", i, limit.Name)
		}
		known[limit.Name] = true
	}
	return nil
}

// change is one thing that is not as a file declares it.
type change struct {
	What string `json:"what"` // such as queue mail
	Of   string `json:"of"`   // such as max_depth
	From string `json:"from,omitempty"`
	To   string `json:"to"`

	apply func(ctx context.Context, a *admin.Admin, why string) error
}

func (c *change) String() string {
	if c.From == "" {
		return fmt.Sprintf("%s: %s %s", c.What, c.Of, c.To)
	}
	return fmt.Sprintf("%s: %s %s, was %s", c.What, c.Of, c.To, c.From)
}

// changes gives what is to be done, queues first, for all to be as it is declared. What the file
// does not name stays as it is.
func (d *declarations) changes(ctx context.Context, a *admin.Admin) ([]*change, error) {
	all := []*change{}
	for _, name := range slices.Sorted(maps.Keys(d.Queues)) {
		some, err := d.queueChanges(ctx, a, name)
		if err != nil {
			return nil, err
		}
		all = append(all, some...)
	}
	if len(d.Limits) == 0 {
		return all, nil
	}
	there, err := a.Limits(ctx)
	if err != nil {
		return nil, err
	}
	for i := range d.Limits {
		limit := d.Limits[i].Declared()
		c := &change{What: "limit " + limit.Name, Of: "is", To: termsOf(&limit), apply: func(ctx context.Context, a *admin.Admin, why string) error {
			return a.SetLimit(ctx, limit, why)
		}}
		if k := slices.IndexFunc(there, func(l admin.Limit) bool { return l.Name == limit.Name }); k >= 0 {
			if there[k].Operator && termsOf(&there[k].Limit) == c.To {
				continue
			}
			if c.From = termsOf(&there[k].Limit); !there[k].Operator {
				c.From += ", by a worker"
			}
		}
		all = append(all, c)
	}
	return all, nil
}

func (d *declarations) queueChanges(ctx context.Context, a *admin.Admin, name string) (all []*change, err error) {
	want := d.Queues[name]
	there, err := a.Queue(ctx, name)
	partitions, depth := 1, 0
	if want.Partitions != nil {
		partitions = *want.Partitions
	}
	switch {
	case errors.Is(err, drayhorse.ErrNotFound):
		all = append(all, &change{What: "queue " + name, Of: "is created, partitions", To: strconv.Itoa(partitions), apply: func(ctx context.Context, a *admin.Admin, _ string) error {
			_, err := a.CreateQueue(ctx, name, partitions)
			return err
		}})
	case err != nil:
		return nil, err
	case want.Partitions != nil && partitions != there.Partitions:
		return nil, fmt.Errorf("%w: queues.%s.partitions %d; it has %d, which is fixed", drayhorse.ErrInvalid, name, partitions, there.Partitions)
	default:
		depth = there.MaxDepth
	}
	if n := want.MaxDepth; n != nil && *n != depth {
		all = append(all, &change{What: "queue " + name, Of: "max_depth", From: strconv.Itoa(depth), To: strconv.Itoa(*n), apply: func(ctx context.Context, a *admin.Admin, _ string) error {
			return a.SetMaxDepth(ctx, name, *n)
		}})
	}
	return all, nil
}

// termsOf is a limit in words.
func termsOf(l *drayhorse.Limit) string {
	text := "of all queues"
	if l.Queue != "" {
		text = "of queue " + l.Queue
	}
	if l.Kind != "" {
		text += " kind " + l.Kind
	}
	if l.PerGroup {
		text += ", of each group"
	}
	if l.Concurrency > 0 {
		text += fmt.Sprintf(", %d at once", l.Concurrency)
	}
	if rate := l.Rate.String(); rate != "" {
		text += fmt.Sprintf(", %s in bursts of %d", rate, max(l.Rate.Burst, 1))
	}
	if b := l.Breaker.String(); b != "" {
		text += ", breaker " + b
	}
	return text
}

type applyConfig struct {
	common `yaml:",inline"`

	File   string `yaml:"-" flag:"file" short:"f" arg:"FILE" usage:"file of queues and limits; - reads stdin (required)"`
	Reason string `yaml:"-" flag:"reason" arg:"TEXT" usage:"why, for those who look at it later"`
}

const applied = `The file is YAML:

  queues:
    mail: {max_depth: 100000}
    import: {partitions: 6}
  limits:
    - {name: smtp, queue: mail, rate: 100/1m, burst: 20, concurrency: 5}

What it does not name stays as it is; nothing is removed. Schedules have files of their own: see
drayhorse scheduler.`

// ApplyCommand makes queues and limits as a file declares them.
func ApplyCommand() *cobra.Command {
	return declared("apply", "Set queues and limits as a file declares them",
		"Set queues and limits as a file declares them, and say what was changed. Done again, it changes\nnothing. If the file has a mistake, nothing is changed.\n\n"+applied,
		func(ctx context.Context, call *cli.Call, cfg *applyConfig, a *admin.Admin, all []*change) error {
			for i, c := range all {
				if err := c.apply(ctx, a, cfg.Reason); err != nil {
					return fmt.Errorf("%s: %w; %d of %d changes are made", c, err, i, len(all))
				}
			}
			return cfg.say(call, all)
		})
}

// errDiffers has diff end with exit code 1.
var errDiffers = errors.New("it is not as the file declares it")

// DiffCommand says what apply would change.
func DiffCommand() *cobra.Command {
	return declared("diff", "Show what apply would change",
		"Show what apply would change. Its exit code is 1 if there is anything.\n\n"+applied,
		func(_ context.Context, call *cli.Call, cfg *applyConfig, _ *admin.Admin, all []*change) error {
			if err := cfg.say(call, all); err != nil || len(all) == 0 {
				return err
			}
			return errDiffers
		})
}

func declared(name, short, long string, do func(ctx context.Context, call *cli.Call, cfg *applyConfig, a *admin.Admin, all []*change) error) *cobra.Command {
	return cli.Def[applyConfig]{
		Name: name, Short: short, Long: long,
		Example: "  drayhorse " + name + " -f jobs.yaml",
		Config:  applyConfig{common: defaults()},
		Run: func(ctx context.Context, call *cli.Call, cfg *applyConfig) error {
			if cfg.File == "" {
				return cli.Usagef("no --file is given; want the file that declares queues and limits, or - for stdin")
			}
			d, err := readDeclarations(cfg.File, call.Stdin)
			if err != nil {
				return err
			}
			return cfg.with(call, func(a *admin.Admin) error {
				all, err := d.changes(ctx, a)
				if err != nil {
					return err
				}
				return do(ctx, call, cfg, a, all)
			})
		},
	}.Command()
}

// say prints changes, a line each.
func (c *applyConfig) say(call *cli.Call, all []*change) error {
	if c.JSON {
		return cli.PrintJSON(call.Stdout, all)
	}
	for _, one := range all {
		if err := call.Println(printable.Text(one.String())); err != nil {
			return err
		}
	}
	if len(all) == 0 {
		call.Notef("nothing to change")
	}
	return nil
}
