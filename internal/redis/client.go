package redis

import (
	"errors"
	"sync"
	"sync/atomic"
	"time"

	goredis "github.com/redis/go-redis/v9"
)

// DefaultURL is where Redis is looked for when nothing else is said.
const DefaultURL = "redis://127.0.0.1:6379/0"

// Config says how to reach Redis. The zero value means DefaultURL.
type Config struct {
	// URL in one of the forms redis://, rediss://, unix://, redis+sentinel://,
	// redis+cluster:// and both with rediss+.
	URL string
	// Client, instead of URL: an application's client, whose options are
	// cloned. It is neither used nor closed. A clone of a Sentinel client asks
	// through it for the primary, so it must stay open as long.
	Client goredis.UniversalClient
	// PoolSize is how many connections commands may use at once, for each node;
	// 0 means go-redis's default. Pipelines have up to 10 more of their own, and
	// blocking waits do not count.
	PoolSize int
}

// Client is a connection pool with retries off.
type Client struct {
	goredis.UniversalClient

	target
	observer Observer
	blocking func() goredis.UniversalClient
	opened   atomic.Pointer[goredis.UniversalClient] // what blocking gave, once asked
	closing  func() error
	noFlags  atomic.Bool // the server knows no script flags
	passed   sync.Map    // nodes by name that CheckFor has found fit
	closed   atomic.Bool
}

// target is where clients go and how they are opened.
type target struct {
	addr     string // a URL without secrets
	login    string // options of redis-cli that log in, without the secret
	cluster  bool
	patience time.Duration // of one call
	now      func() time.Time
	open     func(poolSize int) goredis.UniversalClient
}

// Open makes a client. It does not connect. The error is drayhorse.ErrInvalid.
func Open(cfg Config) (*Client, error) {
	t, err := cfg.target()
	if err != nil {
		return nil, err
	}
	c := &Client{UniversalClient: t.open(cfg.PoolSize), target: t, observer: silent{}}
	c.blocking = sync.OnceValue(func() goredis.UniversalClient {
		opened := t.open(blockingPool)
		opened.AddHook(errorHook{c.observer})
		c.opened.Store(&opened)
		return opened
	})
	c.closing = sync.OnceValue(func() error {
		c.closed.Store(true)
		return errors.Join(c.UniversalClient.Close(), c.blocking().Close())
	})
	return c, nil
}

func (cfg Config) target() (target, error) {
	if cfg.Client != nil {
		return clone(cfg.Client)
	}
	if cfg.URL == "" {
		cfg.URL = DefaultURL
	}
	p, err := parseURL(cfg.URL)
	if err != nil {
		return target{}, err
	}
	quiet()
	return p.target(), nil
}

// Blocking gives the client whose connections are for blocking waits alone. It
// is closed with c.
func (c *Client) Blocking() goredis.UniversalClient { return c.blocking() }

// Close closes all connections. Closing twice is harmless.
func (c *Client) Close() error { return c.closing() }

// Addr is the URL that the client points to, without secrets and parameters.
func (c *Client) Addr() string { return c.addr }

// IsCluster reports whether keys are spread over the slots of a Cluster.
func (c *Client) IsCluster() bool { return c.cluster }
