package redis

import (
	"time"

	goredis "github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/maintnotifications"
)

// The settings of every client. A server that is away is reported within
// callTimeout: a dial takes less, and a call is given up then.
const (
	dialTimeout = 2 * time.Second
	callTimeout = 5 * time.Second // to read, to write, to wait for a connection, in all

	// protocol is RESP2. Scripts answer the same in both, nothing here wants
	// pushes, and RESP3 would have go-redis look for them before every command.
	protocol = 2

	// redirects are the most that one command may need: MOVED to the node that
	// the slot is leaving, ASK to the one that it is going to.
	redirects = 2

	// clusterReload is how stale the map of a Cluster's slots may be. go-redis's
	// own 60 s kept it dialling a dead master for 45.
	clusterReload = time.Second

	// blockingPool caps the connections that wait, for each node.
	blockingPool = 256
)

// target fills in the settings that the URL leaves open.
func (p *parsed) target() target {
	o := p.UniversalOptions
	o.DialTimeout = orDefault(o.DialTimeout, dialTimeout)
	o.ReadTimeout = orDefault(o.ReadTimeout, callTimeout)
	o.WriteTimeout = orDefault(o.WriteTimeout, callTimeout)
	t := target{
		addr:     p.place(),
		login:    login(p.Username, p.Password != ""),
		cluster:  p.cluster(),
		patience: max(callTimeout, o.ReadTimeout),
		now:      time.Now,
	}
	switch {
	case p.cluster():
		t.open = func(poolSize int) goredis.UniversalClient { return openCluster(*o.Cluster(), poolSize) }
	case p.sentinel():
		t.open = func(poolSize int) goredis.UniversalClient { return openFailover(*o.Failover(), poolSize) }
	default:
		t.now = clockOf(o.Simple().Addr)
		t.open = func(poolSize int) goredis.UniversalClient { return openSingle(*o.Simple(), poolSize) }
	}
	return t
}

func orDefault(d, otherwise time.Duration) time.Duration {
	if d == 0 {
		return otherwise
	}
	return d
}

// login is how redis-cli logs in: it asks for the password.
func login(user string, password bool) string {
	if !password {
		return ""
	}
	if user == "" {
		return " --askpass"
	}
	return " --user " + user + " --askpass"
}

func openSingle(o goredis.Options, poolSize int) goredis.UniversalClient {
	o.Protocol, o.MaintNotificationsConfig = protocol, noNotices()
	o.MaxRetries, o.DialerRetries = -1, 1
	o.ContextTimeoutEnabled = true
	o.PoolTimeout, o.PoolSize = callTimeout, poolSize
	c := goredis.NewClient(&o)
	c.AddHook(dialHook{})
	return c
}

func openFailover(o goredis.FailoverOptions, poolSize int) goredis.UniversalClient {
	o.Protocol = protocol
	o.MaxRetries, o.DialerRetries = -1, 1
	o.ContextTimeoutEnabled = true
	o.PoolTimeout, o.PoolSize = callTimeout, poolSize
	c := goredis.NewFailoverClient(&o)
	c.AddHook(dialHook{})
	return c
}

func openCluster(o goredis.ClusterOptions, poolSize int) goredis.UniversalClient {
	o.Protocol, o.MaintNotificationsConfig = protocol, noNotices()
	o.MaxRetries, o.DialerRetries = -1, 1
	o.MaxRedirects, o.ClusterStateReloadInterval = redirects, clusterReload
	o.DisableRoutingPolicies = true // they would ask the server for COMMAND, and fan out
	o.ContextTimeoutEnabled = true
	o.PoolTimeout, o.PoolSize = callTimeout, poolSize
	c := goredis.NewClusterClient(&o)
	c.OnNewNode(func(node *goredis.Client) { node.AddHook(slotsHook{}) })
	return c
}

// noNotices turns off what some hosted servers announce over RESP3.
func noNotices() *maintnotifications.Config {
	return &maintnotifications.Config{Mode: maintnotifications.ModeDisabled}
}
