package redistest

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"
	"slices"
	"strconv"
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
// A node counts as dead after a minute, so that a busy machine makes none look dead,
// and after 2 s from Kill on; WithConfig("cluster-node-timeout ...") changes the first.
func StartCluster(tb testing.TB, masters, replicasPerMaster int, opts ...Option) *Cluster {
	tb.Helper()
	w, cancel := waitFor(tb, unlimited)
	defer cancel()
	c, err := launchCluster(w, newSettings(opts), masters, replicasPerMaster)
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

// Kill kills a node, and has the others find it dead within 2 s.
func (c *Cluster) Kill(tb testing.TB, node int) {
	tb.Helper()
	for _, s := range c.Nodes {
		if err := s.Client(tb).ConfigSet(tb.Context(), "cluster-node-timeout", "2000").Err(); err != nil {
			tb.Fatalf("redistest: hasten the node at %s: %v", s.Addr, err)
		}
	}
	c.Nodes[node].Kill()
}

func launchCluster(w wait, set settings, masters, replicasPerMaster int) (*Cluster, error) {
	set.conf = append([]string{fmt.Sprint("cluster-node-timeout ", patience.Milliseconds())}, set.conf...)
	c := &Cluster{password: set.password}
	err := c.launch(w, set, masters, replicasPerMaster)
	if err != nil {
		for _, node := range c.Nodes {
			err = errors.Join(err, node.remove())
		}
		return nil, err
	}
	c.URL = groupURL("redis+cluster", set.password, addrs(c.Nodes))
	return c, nil
}

func (c *Cluster) launch(w wait, set settings, masters, replicasPerMaster int) error {
	for range masters * (1 + replicasPerMaster) {
		node, err := launch(w, set, clusterNode)
		if err != nil {
			return err
		}
		c.Nodes = append(c.Nodes, node)
	}
	clients := make([]*goredis.Client, len(c.Nodes))
	for i, node := range c.Nodes {
		clients[i] = goredis.NewClient(node.options())
		defer func() { _ = clients[i].Close() }()
	}
	if err := c.meet(w, clients, masters); err != nil {
		return err
	}
	if err := c.replicate(w, clients, masters); err != nil {
		return err
	}
	return w.until("all nodes serve and agree", func() (bool, error) { return c.agreed(w.ctx, clients) })
}

// meet gives the masters their slots and introduces every node to the first.
func (c *Cluster) meet(w wait, clients []*goredis.Client, masters int) error {
	ctx := w.ctx
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
		if err := clients[0].Do(ctx, "cluster", "meet", "127.0.0.1", node.port.number, node.busPort.number).Err(); err != nil {
			return err
		}
	}
	return w.untilAll(c.Nodes, "all nodes are known", c.known)
}

// replicate makes node i follow master i modulo masters.
func (c *Cluster) replicate(w wait, clients []*goredis.Client, masters int) error {
	ctx := w.ctx
	for i := masters; i < len(clients); i++ {
		id, err := clients[i%masters].Do(ctx, "cluster", "myid").Text()
		if err != nil {
			return err
		}
		if err := clients[i].ClusterReplicate(ctx, id).Err(); err != nil {
			return err
		}
	}
	return w.untilAll(c.Nodes[masters:], "the replica follows", follows)
}

func (c *Cluster) known(ctx context.Context, client *goredis.Client) (bool, error) {
	nodes, err := client.ClusterNodes(ctx).Result()
	known := strings.Count(nodes, "connected") - strings.Count(nodes, "disconnected")
	return known == len(c.Nodes) && !strings.Contains(nodes, "handshake"), err
}

// agreed says whether every node serves all slots, at the same epoch as the others, and
// shows the same nodes to its clients. An error says who does not.
func (c *Cluster) agreed(ctx context.Context, clients []*goredis.Client) (bool, error) {
	var first view
	for i, client := range clients {
		v, err := look(ctx, client)
		if err != nil {
			return false, fmt.Errorf("%s: %w", c.Nodes[i].Addr, err)
		}
		if i == 0 {
			first = v
		}
		if v.state != "ok" || v.slots != strconv.Itoa(clusterSlots) || v.nodes != len(c.Nodes) || v != first {
			return false, fmt.Errorf("%s sees %+v, %s sees %+v", c.Nodes[i].Addr, v, c.Nodes[0].Addr, first)
		}
	}
	return true, nil
}

// view is what a node says of the Cluster.
type view struct {
	state, epoch string
	slots        string // that are served
	nodes        int    // that clients are shown
	placed       string // which slots are where
}

func look(ctx context.Context, client *goredis.Client) (view, error) {
	text, err := client.ClusterInfo(ctx).Result()
	if err != nil {
		return view{}, err
	}
	info := map[string]string{}
	for line := range strings.Lines(text) {
		name, value, _ := strings.Cut(strings.TrimSpace(line), ":")
		info[name] = value
	}
	v := view{state: info["cluster_state"], epoch: info["cluster_current_epoch"], slots: info["cluster_slots_ok"]}
	ranges, err := client.ClusterSlots(ctx).Result() //nolint:staticcheck // the master stands first
	var rows []string
	for _, r := range ranges {
		v.nodes += len(r.Nodes)
		at := make([]string, len(r.Nodes)) // the master first
		for i, n := range r.Nodes {
			at[i] = n.Addr
		}
		slices.Sort(at[min(1, len(at)):])
		rows = append(rows, fmt.Sprint(r.Start, "-", r.End, at))
	}
	slices.Sort(rows)
	v.placed = strings.Join(rows, "; ")
	return v, err
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
	Eventually(tb, 20*time.Second, "the announced port at every node", func() bool {
		for _, other := range c.Nodes {
			nodes, err := other.Client(tb).ClusterNodes(tb.Context()).Result()
			if err != nil || !strings.Contains(nodes, proxy.Addr+"@") {
				return false
			}
		}
		return true
	})
}
