package scale

import (
	"context"
	"errors"
	"fmt"

	"github.com/drayhorse/drayhorse"
	"github.com/drayhorse/drayhorse/admin"
	"github.com/drayhorse/drayhorse/bench/internal/process"
	"github.com/drayhorse/drayhorse/bench/internal/report"
	"github.com/drayhorse/drayhorse/bench/internal/store"
	"github.com/drayhorse/drayhorse/worker"
)

const masters = 3

// cluster spreads a queue over the masters of a Cluster. All of them are on this
// machine: what counts is the CPU of each, not the rate.
func cluster(ctx context.Context, l *lab) error {
	url, nodes, err := store.StartCluster(ctx, masters)
	if err != nil {
		return err
	}
	defer func() {
		for _, n := range nodes {
			n.Stop()
		}
	}()
	table := report.Table{
		Name: "cluster", Title: "A queue in a Cluster of three masters",
		About:  "A queue of 1, 2 and 3 partitions, whose slots are on as many masters. 200,000 jobs, bulk enqueue, then one worker with 100 handlers.",
		Header: []string{"partitions"},
	}
	for i := range nodes {
		table.Header = append(table.Header, fmt.Sprintf("jobs on master %d, %%", i+1))
	}
	for i := range nodes {
		table.Header = append(table.Header, fmt.Sprintf("CPU of master %d, us/job", i+1))
	}
	table.Header = append(table.Header, "CPU of all masters, us/job", "CPU of the client, us/job")
	s, err := newSite(store.Place{Kind: store.Redis, URL: url, Direct: url, PID: nodes[0].PID})
	if err != nil {
		return err
	}
	defer func() { _ = s.producer.Close() }()
	for partitions := 1; partitions <= masters; partitions++ {
		l.say("  %d", partitions)
		row, err := l.partitioned(ctx, s, nodes, partitions)
		if err != nil {
			return err
		}
		table.Rows = append(table.Rows, row)
	}
	l.out.Tables = append(l.out.Tables, table)
	return nil
}

func (l *lab) partitioned(ctx context.Context, s *site, nodes []*store.Store, partitions int) (report.Row, error) {
	row := report.Row{Label: fmt.Sprint(partitions)}
	queue, err := spreadQueue(ctx, nodes, partitions)
	if err != nil {
		return row, err
	}
	a, err := admin.New(admin.Config{RedisURL: s.at.URL})
	if err != nil {
		return row, err
	}
	defer func() { _ = a.Close() }()
	if _, err := a.CreateQueue(ctx, queue, partitions); err != nil {
		return row, err
	}
	before, err := cpuOf(nodes)
	if err != nil {
		return row, err
	}
	own, n := process.OwnCPU(), l.jobs(200_000)
	options := []drayhorse.Option{drayhorse.Queue(queue)}
	if err := s.fill(ctx, n, batch, func(i int) drayhorse.Spec { return drayhorse.Spec{Args: job(i).Args, Options: options} }); err != nil {
		return row, err
	}
	for _, node := range nodes {
		share, err := jobsOn(ctx, node, queue, partitions)
		if err != nil {
			return row, err
		}
		row.Values = append(row.Values, share/float64(n)*100)
	}
	if _, err := s.drain(ctx, n, worker.Config{Queues: map[string]int{queue: 1}}); err != nil {
		return row, err
	}
	client := process.OwnCPU() - own
	after, err := cpuOf(nodes)
	sum, per := 0.0, 1e6/float64(n)
	for i := range nodes {
		row.Values = append(row.Values, (after[i]-before[i])*per)
		sum += (after[i] - before[i]) * per
	}
	row.Values = append(row.Values, sum, client*per)
	return row, err
}

func cpuOf(nodes []*store.Store) ([]float64, error) {
	cpu := make([]float64, len(nodes))
	for i, n := range nodes {
		var err error
		if cpu[i], err = n.CPU(); err != nil {
			return nil, err
		}
	}
	return cpu, nil
}

func key(queue string, partition int) string {
	if partition > 0 {
		queue = fmt.Sprintf("%s/%d", queue, partition)
	}
	return fmt.Sprintf("drayhorse:{%s}:jobs", queue)
}

// spreadQueue finds a name whose partitions are on different masters, as an operator
// would: slots follow from names.
func spreadQueue(ctx context.Context, nodes []*store.Store, partitions int) (string, error) {
	client := store.Client(nodes[0].URL)
	defer func() { _ = client.Close() }()
	for try := range 100 {
		queue := fmt.Sprintf("mail-%d-%d", partitions, try)
		used := map[int64]bool{}
		for p := range partitions {
			slot, err := client.ClusterKeySlot(ctx, key(queue, p)).Result()
			if err != nil {
				return "", err
			}
			used[slot*int64(len(nodes))/16384] = true
		}
		if len(used) == partitions {
			return queue, nil
		}
	}
	return "", errors.New("no name spreads its partitions")
}

// jobsOn is how many jobs of the queue are on a node.
func jobsOn(ctx context.Context, node *store.Store, queue string, partitions int) (float64, error) {
	client := store.Client(node.URL)
	defer func() { _ = client.Close() }()
	sum := 0.0
	for p := range partitions {
		n, err := client.HLen(ctx, key(queue, p)).Result()
		if err != nil {
			continue // it is on another node
		}
		sum += float64(max(n-1, 0)) // a field with an empty name is no job
	}
	return sum, nil
}
