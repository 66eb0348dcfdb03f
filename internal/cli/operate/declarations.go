package operate

import (
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"

	"github.com/drayhorse/drayhorse"
	"github.com/drayhorse/drayhorse/internal/cli"
	"github.com/drayhorse/drayhorse/internal/cli/schedule"
	"github.com/drayhorse/drayhorse/internal/conf"
	"github.com/drayhorse/drayhorse/internal/jobs"
	"github.com/drayhorse/drayhorse/internal/printable"
)

// declarationLimits bound a file of queues, limits and schedules: some 5,000 of the first two.
var declarationLimits = conf.Limits{Bytes: 1 << 20, Entries: 25_000}

// declarations are what a file declares of queues, limits and schedules.
type declarations struct {
	Queues map[string]struct {
		Partitions *int `yaml:"partitions"`
		MaxDepth   *int `yaml:"max_depth"`
	} `yaml:"queues"`
	Limits    []cli.Limit         `yaml:"limits"`
	Source    string              `yaml:"source"`
	Schedules []schedule.Schedule `yaml:"schedules"` // nil: nothing is said of the source's; empty: it has none
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
	lines, err := conf.Decode(path, content, declarationLimits, d)
	if err != nil {
		return nil, cli.Usagef("%v", err)
	}
	if err = d.validate(); err == nil {
		err = d.tuning().Settle()
	}
	if err != nil {
		if located := lines.Locate(err); located != err { //nolint:errorlint // whether it is the same one
			return nil, cli.Usagef("%v", located)
		}
		return nil, cli.Usagef("%s: %v", printable.Text(path), err)
	}
	return d, nil
}

// validate reports the first impossible value: nothing of a file is applied that has one.
func (d *declarations) validate() error {
	switch {
	case d.Schedules != nil && d.Source == "":
		return errors.New("it has schedules and no source; want one, such as source: billing: what it declares no more is removed")
	case d.Source != "" && d.Schedules == nil:
		return fmt.Errorf("it has the source %q and no schedules; want some, or schedules: [] to remove those it has declared", d.Source)
	case d.Source != "" && drayhorse.ValidateID(d.Source) != nil:
		return fmt.Errorf("source: %w", drayhorse.ValidateID(d.Source))
	case len(d.Queues)+len(d.Limits) == 0 && d.Schedules == nil:
		return errors.New("it declares nothing; want queues, limits or schedules")
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

// tuning is what a scheduler would have of the file.
func (d *declarations) tuning() *schedule.Tuning {
	t := schedule.DefaultTuning()
	t.Source, t.Schedules = d.Source, d.Schedules
	return &t
}
