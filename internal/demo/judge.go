package demo

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"strconv"

	"github.com/drayhorse/drayhorse"
	"github.com/drayhorse/drayhorse/admin"
	"github.com/drayhorse/drayhorse/internal/cli"
)

// judge opens the books and says how the demo went. The error is why it failed.
func (d *demo) judge(ctx context.Context) error {
	b, err := d.open(ctx)
	if err != nil {
		return err
	}
	verified, faults := b.audit()
	rescued := int(b.totals["rescued"])
	if rescued == 0 {
		faults = append(faults, "no job was rescued")
	}
	if d.seen.changes == 0 {
		faults = append(faults, "the leader never changed")
	}
	for _, fault := range faults[:min(len(faults), mostFaults)] {
		d.console.event("wrong: %s", fault)
	}
	jobs, wall := len(b.records), d.seen.wall.Seconds()
	table := cli.NewTable("jobs", "attempts", "rescued", "wall time", "jobs/s", "ticks", "leader changes")
	table.Row(number("%d", jobs), number("%d", b.attempts()), number("%d", rescued), number("%.1fs", wall),
		number("%.0f", float64(jobs)/wall), number("%d", len(b.ticks)), number("%d", d.seen.changes))
	if err := d.console.table(table); err != nil {
		return err
	}
	verdict := fmt.Sprintf("verified %d/%d", verified, len(d.paths))
	if len(faults) > 0 {
		return fmt.Errorf("%s: %s", verdict, faults[0])
	}
	return d.console.verdict(verdict + " against sha256 computed directly, each recorded exactly once")
}

func number(format string, value any) cli.Cell {
	return cli.Cell{Text: fmt.Sprintf(format, value), Right: true}
}

// mostFaults is how many faults are shown.
const mostFaults = 10

// open gathers the books.
func (d *demo) open(ctx context.Context) (*books, error) {
	q, err := d.admin.Queue(ctx, digestQueue)
	if err != nil {
		return nil, err
	}
	b := &books{totals: q.Totals}
	if b.imported, err = d.imported(); err != nil {
		return nil, err
	}
	if b.records, err = d.all(ctx, digestQueue); err != nil {
		return nil, err
	}
	if b.ticks, err = d.all(ctx, progressQueue); err != nil {
		return nil, err
	}
	b.digests, err = digests(ctx, d.paths)
	return b, err
}

// all gives the jobs of a queue in all states.
func (d *demo) all(ctx context.Context, queue string) ([]*drayhorse.Info, error) {
	var all []*drayhorse.Info
	filter := admin.Filter{Queue: queue, Limit: admin.MaxLimit}
	for more := true; more; more = filter.Cursor != "" {
		page, err := d.admin.Jobs(ctx, filter)
		if err != nil {
			return nil, err
		}
		all, filter.Cursor = append(all, page.Jobs...), page.Next
	}
	return all, nil
}

var importedPattern = regexp.MustCompile(`imported (\d+), rejected 0$`)

// imported reads the last line of the producer.
func (d *demo) imported() (int, error) {
	match := importedPattern.FindStringSubmatch(d.producer.words())
	if match == nil {
		return 0, errors.New("the producer did not say what it imported:\n" + d.producer.words())
	}
	return strconv.Atoi(match[1])
}
