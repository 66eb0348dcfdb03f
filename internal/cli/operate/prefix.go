package operate

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/drayhorse/drayhorse"
	"github.com/drayhorse/drayhorse/admin"
	"github.com/drayhorse/drayhorse/internal/cli"
)

const (
	// leastPrefix is how much of an ID stands for it.
	leastPrefix = 8
	// prefixPages is how many pages of jobs are looked through for a prefix, of up to 5,000
	// jobs each, and prefixWithin for how long.
	prefixPages  = 20
	prefixWithin = 5 * time.Second
	// candidates is how many jobs are named where several are meant.
	candidates = 5
)

// errMany ends a look for a prefix that several jobs have.
var errMany = errors.New("several")

// onJob calls act with the job of an ID, or if there is none with the one job whose ID
// begins so. queue may be empty.
func onJob(ctx context.Context, a *admin.Admin, queue, id string, act func(queue, id string) error) error {
	err := act(queue, id)
	if !errors.Is(err, drayhorse.ErrNotFound) || errors.Is(err, drayhorse.ErrEnded) || len(id) < leastPrefix {
		return err
	}
	found, looked := withPrefix(ctx, a, queue, id)
	switch {
	case errors.Is(looked, errMany):
		return cli.Usagef("%d jobs or more have IDs that begin with %s: %s; want more of the ID", len(found), id, strings.Join(names(found), ", "))
	case errors.Is(looked, drayhorse.ErrNotFound):
		return err
	case looked != nil:
		return fmt.Errorf("%w; not all jobs were looked through for one whose ID begins so (%w): want the whole ID, or --queue", err, looked)
	case len(found) == 0:
		return err
	}
	return act(found[0].Queue, found[0].ID)
}

// withPrefix gives the jobs whose IDs begin so. The error is errMany where there are several,
// and otherwise says why there may be others.
func withPrefix(ctx context.Context, a *admin.Admin, queue, prefix string) (found []*drayhorse.Info, err error) {
	ctx, cancel := context.WithTimeout(ctx, prefixWithin)
	defer cancel()
	f := admin.Filter{Queue: queue, Where: "id:" + prefix, Limit: admin.MaxLimit}
	for range prefixPages {
		page, err := a.Jobs(ctx, f)
		if err != nil {
			return found, err
		}
		for _, info := range page.Jobs {
			if !has(found, info) {
				found = append(found, info)
			}
		}
		if len(found) > 1 {
			return found, errMany
		}
		if f.Cursor = page.Next; f.Cursor == "" {
			return found, nil
		}
	}
	return found, fmt.Errorf("there are more than %d pages", prefixPages)
}

// has reports whether a job was found already: one that moves may be listed twice.
func has(found []*drayhorse.Info, info *drayhorse.Info) bool {
	for _, known := range found {
		if known.ID == info.ID && known.Queue == info.Queue {
			return true
		}
	}
	return false
}

// names gives some of the jobs as a person tells them apart.
func names(found []*drayhorse.Info) (texts []string) {
	for _, info := range found[:min(len(found), candidates)] {
		texts = append(texts, fmt.Sprintf("%s (%s, %s in %s)", info.ID, info.Kind, info.State, info.Queue))
	}
	return texts
}
