package redistest

import (
	"context"
	"errors"
	"net"
	"net/url"
	"strings"
	"testing"
	"time"

	goredis "github.com/redis/go-redis/v9"
)

const clusterSlots = 16384

// Cluster is a Redis Cluster. The masters are first in Nodes.
type Cluster struct {
	URL   string
	Nodes []*Server

	password string
}

// StartCluster starts a Cluster with that many masters (at least 3 make one that
// survives the death of one) and replicas for each, and ends it with the test.
// A master counts as dead after 2 s; WithConfig("cluster-node-timeout ...")
// changes it.
func StartCluster(tb testing.TB, masters, replicasPerMaster int, opts ...Option) *Cluster {
	tb.Helper()
	c, err := launchCluster(newSettings(opts), masters, replicasPerMaster)
	if err != nil {
		tb.Fatalf("redistest: %v", err)
	}
	for _, node := range c.Nodes {
		node.own(tb)
	}
	return c
}

// Client makes a client, and closes it with the test.
func (c *Cluster) Client(tb testing.TB) *goredis.ClusterClient {
	tb.Helper()
	client := goredis.NewClusterClient(&goredis.ClusterOptions{
		Addrs: addrs(c.Nodes), Password: c.password, Protocol: 2,
		ClusterStateReloadInterval: time.Second, ContextTimeoutEnabled: true, DisableIdentity: true,
	})
	closeAtEnd(tb, client.Close)
	return client
}

func launchCluster(set settings, masters, replicasPerMaster int) (*Cluster, error) {
	set.conf = append([]string{"cluster-node-timeout 2000"}, set.conf...)
	c := &Cluster{password: set.password}
	err := c.launch(set, masters, replicasPerMaster)
	if err != nil {
		for _, node := range c.Nodes {
			err = errors.Join(err, node.process.remove())
		}
		return nil, err
	}
	c.URL = groupURL("redis+cluster", set.password, addrs(c.Nodes))
	return c, nil
}

func (c *Cluster) launch(set settings, masters, replicasPerMaster int) error {
	for range masters * (1 + replicasPerMaster) {
		node, err := launch(set, clusterNode)
		if err != nil {
			return err
		}
		c.Nodes = append(c.Nodes, node)
	}
	ctx, cancel := context.WithTimeout(context.Background(), startTimeout)
	defer cancel()
	clients := make([]*goredis.Client, len(c.Nodes))
	for i, node := range c.Nodes {
		clients[i] = goredis.NewClient(node.options())
		defer func() { _ = clients[i].Close() }()
	}
	if err := c.meet(ctx, clients, masters); err != nil {
		return err
	}
	if err := c.replicate(ctx, clients, masters); err != nil {
		return err
	}
	return pollServers(ctx, c.Nodes, "agreement", c.agreed)
}

// meet gives the masters their slots and introduces every node to the first.
func (c *Cluster) meet(ctx context.Context, clients []*goredis.Client, masters int) error {
	for i, client := range clients {
		if err := client.Do(ctx, "cluster", "set-config-epoch", i+1).Err(); err != nil {
			return err
		}
		if i < masters {
			first, last := i*clusterSlots/masters, (i+1)*clusterSlots/masters-1
			if err := client.ClusterAddSlotsRange(ctx, first, last).Err(); err != nil {
				return err
			}
		}
		node := c.Nodes[i]
		if err := clients[0].Do(ctx, "cluster", "meet", "127.0.0.1", node.port, node.busPort).Err(); err != nil {
			return err
		}
	}
	return pollServers(ctx, c.Nodes, "all nodes", c.known)
}

// replicate makes node i follow master i modulo masters.
func (c *Cluster) replicate(ctx context.Context, clients []*goredis.Client, masters int) error {
	for i := masters; i < len(clients); i++ {
		id, err := clients[i%masters].Do(ctx, "cluster", "myid").Text()
		if err != nil {
			return err
		}
		if err := clients[i].ClusterReplicate(ctx, id).Err(); err != nil {
			return err
		}
	}
	return pollServers(ctx, c.Nodes[masters:], "a replica that follows", follows)
}

func (c *Cluster) known(ctx context.Context, client *goredis.Client) (bool, error) {
	nodes, err := client.ClusterNodes(ctx).Result()
	known := strings.Count(nodes, "connected") - strings.Count(nodes, "disconnected")
	return known == len(c.Nodes) && !strings.Contains(nodes, "handshake"), err
}

// agreed says whether a node serves, and shows all others to its clients.
func (c *Cluster) agreed(ctx context.Context, client *goredis.Client) (bool, error) {
	info, err := client.ClusterInfo(ctx).Result()
	if err != nil || !strings.Contains(info, "cluster_state:ok") {
		return false, err
	}
	ranges, err := client.Do(ctx, "cluster", "slots").Slice()
	shown := 0
	for _, r := range ranges {
		row, _ := r.([]any) // first slot, last slot, nodes
		shown += len(row) - 2
	}
	return shown == len(c.Nodes), err
}

// groupURL joins the addresses of a group of servers into one URL.
func groupURL(scheme, password string, addrs []string) string {
	u := url.URL{Scheme: scheme, Host: strings.Join(addrs, ",")}
	if password != "" {
		u.User = url.UserPassword("", password)
	}
	return u.String()
}

func addrs(servers []*Server) []string {
	list := make([]string, len(servers))
	for i, s := range servers {
		list[i] = s.Addr
	}
	return list
}

// Announce makes a Cluster send clients to the proxy instead of the node behind
// it. Nodes still talk to each other directly.
func (c *Cluster) Announce(tb testing.TB, node *Server, proxy *Proxy) {
	tb.Helper()
	_, port, err := net.SplitHostPort(proxy.Addr)
	if err != nil {
		tb.Fatalf("redistest: %v", err)
	}
	if err := node.Client(tb).ConfigSet(tb.Context(), "cluster-announce-port", port).Err(); err != nil {
		tb.Fatalf("redistest: %v", err)
	}
	Eventually(tb, startTimeout, "the announced port at every node", func() bool {
		for _, other := range c.Nodes {
			nodes, err := other.Client(tb).ClusterNodes(tb.Context()).Result()
			if err != nil || !strings.Contains(nodes, proxy.Addr+"@") {
				return false
			}
		}
		return true
	})
}
