package redistest

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"testing"

	goredis "github.com/redis/go-redis/v9"
)

const (
	sentinels      = 3
	sentinelMaster = "drayhorse-primary"
	sentinelSuffix = "-sentinel" // of the sentinels' own password
)

// Sentinel is a group of one primary, two replicas and three sentinels that
// elect a new primary, by two votes, about 2 s after KillPrimary has killed the old one.
// Until a test asks for that they are patient, so that a primary that a busy machine
// keeps waiting is not taken for dead.
type Sentinel struct {
	URL       string
	Master    string // the name by which clients ask for the primary
	Data      []*Server
	Sentinels []*Server
}

// StartSentinel starts a group, and ends it with the test. The options are those
// of its primary and replicas. Data[0] is the first primary.
func StartSentinel(tb testing.TB, opts ...Option) *Sentinel {
	tb.Helper()
	g := &Sentinel{Master: sentinelMaster}
	w, cancel := waitFor(tb, unlimited)
	defer cancel()
	err := g.launch(w, newSettings(opts))
	for _, s := range append(g.Data, g.Sentinels...) {
		s.own(tb)
	}
	if err != nil {
		tb.Fatalf("redistest: %v", err)
	}
	return g
}

// KillPrimary kills the server that the sentinels take for the primary now, and
// returns it.
func (g *Sentinel) KillPrimary(tb testing.TB) *Server {
	tb.Helper()
	g.Hasten(tb)
	primary := g.Primary(tb)
	primary.Kill()
	return primary
}

// Hasten has the sentinels take a primary for dead that did not answer for a second.
func (g *Sentinel) Hasten(tb testing.TB) {
	tb.Helper()
	for _, s := range g.Sentinels {
		if err := s.Client(tb).Do(tb.Context(), "sentinel", "set", g.Master, "down-after-milliseconds", 1000).Err(); err != nil {
			tb.Fatalf("redistest: hasten the sentinel at %s: %v", s.Addr, err)
		}
	}
}

// Primary returns the server that the sentinels take for the primary now.
func (g *Sentinel) Primary(tb testing.TB) *Server {
	tb.Helper()
	client := goredis.NewClient(g.Sentinels[0].options())
	defer func() { _ = client.Close() }()
	addr, err := client.Do(tb.Context(), "sentinel", "get-master-addr-by-name", g.Master).StringSlice()
	if err != nil {
		tb.Fatalf("redistest: ask the sentinel for the primary: %v", err)
	}
	for _, s := range g.Data {
		if s.port.String() == addr[1] {
			return s
		}
	}
	tb.Fatalf("redistest: the sentinel names a primary of another group: %v", addr)
	return nil
}

func (g *Sentinel) launch(w wait, set settings) error {
	if err := g.launchData(w, set); err != nil {
		return err
	}
	if err := g.launchSentinels(w, set.password); err != nil {
		return err
	}
	g.URL = groupURL("redis+sentinel", set.password, addrs(g.Sentinels)) + "/" + g.Master
	if set.password != "" {
		g.URL += "?sentinel_password=" + set.password + sentinelSuffix
	}
	return nil
}

// launchData starts the primary and the replicas, and waits until they follow.
func (g *Sentinel) launchData(w wait, set settings) error {
	for range 3 {
		s, err := launch(w, set, redisNode)
		if err != nil {
			return err
		}
		g.Data = append(g.Data, s)
		set.conf = withReplicaOf(set.conf, g.Data[0])
	}
	return w.untilAll(g.Data[1:], "the replica follows", follows)
}

func withReplicaOf(conf []string, primary *Server) []string {
	if len(conf) > 0 && strings.HasPrefix(conf[0], "replicaof ") {
		return conf
	}
	return append([]string{"replicaof 127.0.0.1 " + primary.port.String()}, conf...)
}

// launchSentinels starts the sentinels, and waits until all know all.
func (g *Sentinel) launchSentinels(w wait, password string) error {
	var set settings
	set.conf = []string{
		fmt.Sprintf("sentinel monitor %s 127.0.0.1 %s %d", g.Master, g.Data[0].port, sentinels/2+1),
		fmt.Sprintf("sentinel down-after-milliseconds %s %d", g.Master, patience.Milliseconds()),
		fmt.Sprintf("sentinel failover-timeout %s 3000", g.Master),
	}
	if password != "" {
		set.password = password + sentinelSuffix
		set.conf = append(set.conf, "requirepass "+set.password, "sentinel sentinel-pass "+set.password,
			fmt.Sprintf("sentinel auth-pass %s %s", g.Master, password))
	}
	for range sentinels {
		s, err := launch(w, set, sentinelNode)
		if err != nil {
			return err
		}
		g.Sentinels = append(g.Sentinels, s)
	}
	return w.untilAll(g.Sentinels, "the whole group is known", g.known)
}

// known says whether a sentinel can elect: it knows both replicas and the other
// sentinels.
func (g *Sentinel) known(ctx context.Context, client *goredis.Client) (bool, error) {
	state, err := client.Do(ctx, "sentinel", "master", g.Master).StringSlice()
	if err != nil {
		return false, err
	}
	fields := map[string]string{}
	for i := 0; i+1 < len(state); i += 2 {
		fields[state[i]] = state[i+1]
	}
	return fields["flags"] == "master" && fields["num-slaves"] == strconv.Itoa(len(g.Data)-1) &&
		fields["num-other-sentinels"] == strconv.Itoa(sentinels-1), nil
}
