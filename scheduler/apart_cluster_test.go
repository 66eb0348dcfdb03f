package scheduler

import (
	"fmt"
	"testing"
	"time"

	goredis "github.com/redis/go-redis/v9"

	"github.com/drayhorse/drayhorse/internal/redistest"
)

// spread is a Cluster with a queue on each of its masters.
type spread struct {
	*rig
	cluster *redistest.Cluster
	victim  *redistest.Server // has only the queue bad, of what a scheduler needs
}

// spreadOut finds the node that schedules, their leader and the list of queues can do
// without.
func spreadOut(t *testing.T) *spread {
	t.Helper()
	cluster := redistest.StartCluster(t, 3, 0, redistest.WithConfig("cluster-node-timeout 15000", "cluster-require-full-coverage no"))
	r := setupAt(t, cluster.URL)
	s := &spread{rig: r, cluster: cluster}
	for n := 0; ; n++ { // namespaces until what is needed is on two nodes at most
		r.namespace = fmt.Sprintf("%s-%d", redistest.Namespace(t), n)
		needed := map[string]bool{}
		for _, key := range []string{":{@sched}:next", ":{election@scheduler}:lease", ":queues"} {
			needed[s.node(r.namespace+key)] = true
		}
		for _, node := range cluster.Nodes {
			if !needed[node.Addr] {
				s.victim = node
			}
		}
		if s.victim != nil {
			break
		}
	}
	*r = *r.in(r.namespace)
	return s
}

// node gives the address of the master of a key.
func (s *spread) node(key string) string {
	s.Helper()
	client := s.cluster.Client(s.T)
	node, err := client.MasterForKey(s.Context(), key)
	if err != nil {
		s.Fatal(err)
	}
	return node.Options().Addr
}

// queues gives names of queues on the victim, and on each of the others.
func (s *spread) queues() (bad string, good []string) {
	s.Helper()
	seen := map[string]bool{}
	for n := 0; len(seen) < len(s.cluster.Nodes); n++ {
		name := fmt.Sprintf("q%d", n)
		node := s.node(s.key(name, "jobs"))
		switch {
		case seen[node]:
			continue
		case node == s.victim.Addr:
			bad = name
		default:
			good = append(good, name)
		}
		seen[node] = true
	}
	return bad, good
}

// A node of a Cluster that is frozen, or full, delays the schedules of its own queues
// alone.
func TestBrokenNodeDelaysItsOwnSchedulesAlone(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		breaks, mends func(s *spread, client *goredis.Client)
	}{
		"frozen": {
			func(s *spread, _ *goredis.Client) { s.victim.Pause() },
			func(s *spread, _ *goredis.Client) { s.victim.Resume() },
		},
		"full": {
			func(s *spread, client *goredis.Client) { s.limit(client, "1mb") },
			func(s *spread, client *goredis.Client) { s.limit(client, "0") },
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := spreadOut(t)
			bad, good := s.queues()
			client := s.victim.Client(t)
			declared := []Schedule{each(bad), each(good[0]), each(good[1])}
			stop := s.run(s.scheduler(declared))
			for _, queue := range append(good, bad) {
				redistest.Eventually(t, patience, "a tick of "+queue, func() bool { return len(s.ticksIn(queue, queue)) > 0 })
			}
			c.breaks(s, client)
			since := time.Now().Truncate(time.Second).Add(time.Second)
			redistest.Eventually(t, 10*beside, "a while", func() bool { return time.Since(since) > beside })
			next := s.scheduler(append(declared, rare("new")))
			s.run(next) // a new one, that has met none of the queues
			redistest.Eventually(t, patience, "what it declares", func() bool {
				_, err := s.store.Get(t.Context(), "new")
				return err == nil
			})
			go stop()
			redistest.Eventually(t, patience, "it leads", next.leads.Load)
			redistest.Eventually(t, 10*beside, "a while", func() bool { return time.Since(since) > 2*beside })
			for _, queue := range good {
				s.complete(queue, since)
			}
			c.mends(s, client)
			before := 0
			redistest.Eventually(t, patience, "the node serves", func() bool {
				before = len(s.ticksIn(bad, bad))
				return before > 0
			})
			redistest.Eventually(t, patience, "ticks of the node's own queue", func() bool {
				return len(s.ticksIn(bad, bad)) > before+2
			})
			s.once(bad)
		})
	}
}

func (s *spread) limit(client *goredis.Client, memory string) {
	s.Helper()
	if err := client.ConfigSet(s.Context(), "maxmemory", memory).Err(); err != nil {
		s.Fatal(err)
	}
	bad, _ := s.queues()
	if err := client.Set(s.Context(), s.key(bad, "x"), "1", 0).Err(); (err != nil) != (memory != "0") {
		s.Fatalf("maxmemory %s: %v", memory, err)
	}
}
