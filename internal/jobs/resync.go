package jobs

import (
	"context"
	"fmt"
)

// resyncStep is how many suspected jobs one call settles: each of them is searched
// for in ready from end to end.
const resyncStep = 10

// Resync puts live jobs that are in no index back in line and says how many there
// were. No step of the engine leaves such a job behind; a damaged data set or a
// defect may. It reads all of jobs and ready in pages, so it is for operators, not
// for every minute.
func (p *Partition) Resync(ctx context.Context) (int, error) {
	suspected, err := p.unindexed(ctx)
	if err != nil {
		return 0, err
	}
	put := 0
	for len(suspected) > 0 {
		n := min(len(suspected), resyncStep)
		value, err := p.run(ctx, resyncScript, suspected[:n]...)
		if err != nil {
			return put, err
		}
		put += int(asInt(value))
		suspected = suspected[n:]
	}
	return put, nil
}

// unindexed gives the ids that are live and seem to be in no index. Jobs move
// while it reads, so that some only seem so: the script looks again.
func (p *Partition) unindexed(ctx context.Context) ([]any, error) {
	loose := map[string]bool{}
	if err := p.scanFields(ctx, colJobs, func(id string) { loose[id] = true }); err != nil {
		return nil, err
	}
	for _, c := range []column{colRunning, colRoute} {
		if err := p.scanFields(ctx, c, func(id string) { delete(loose, id) }); err != nil {
			return nil, err
		}
	}
	for _, c := range []column{colReady, colSuspects} {
		if err := p.scanList(ctx, c, func(id string) { delete(loose, id) }); err != nil {
			return nil, err
		}
	}
	ids := make([]any, 0, len(loose))
	for id := range loose { // the script asks scheduled, at a cost that does not grow
		ids = append(ids, id)
	}
	return ids, nil
}

func (p *Partition) scanFields(ctx context.Context, c column, each func(id string)) error {
	for cursor := uint64(0); ; {
		pairs, next, err := p.engine.client.HScan(ctx, p.key(c), cursor, "", purgeStep).Result()
		if err != nil {
			return failure(fmt.Sprintf("scan %s", columns[c]), err)
		}
		for i := 0; i < len(pairs); i += 2 {
			if pairs[i] != "" {
				each(pairs[i])
			}
		}
		if cursor = next; cursor == 0 {
			return nil
		}
	}
}

func (p *Partition) scanList(ctx context.Context, c column, each func(id string)) error {
	const page = 10_000
	for at := int64(0); ; at += page {
		ids, err := p.engine.client.LRange(ctx, p.key(c), at, at+page-1).Result()
		if err != nil {
			return failure(fmt.Sprintf("read %s", columns[c]), err)
		}
		for _, id := range ids {
			each(id)
		}
		if len(ids) < page {
			return nil
		}
	}
}
