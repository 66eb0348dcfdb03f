package redis

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync"

	goredis "github.com/redis/go-redis/v9"

	"github.com/drayhorse/drayhorse"
)

// ErrServer means that the server answers, but cannot hold jobs as it is, or does
// not let this client in. Waiting does not mend it; the message says what does.
var ErrServer = errors.New("redis is not usable")

// minVersion is the first Redis whose scripts have flags and whose Cluster keeps
// to them.
const minVersion = 7

// Check asks the server whether it can hold jobs: that it lets this client in,
// is new enough and never evicts; of a Cluster, every master. The embedded
// server, which tells nothing of itself, passes. The error is ErrServer, or
// drayhorse.ErrUnavailable if a server does not answer.
func (c *Client) Check(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, c.patience)
	defer cancel()
	if cluster, ok := c.UniversalClient.(*goredis.ClusterClient); ok {
		return c.explain(cluster.ForEachMaster(ctx, func(ctx context.Context, node *goredis.Client) error {
			return c.checkNode(ctx, node)
		}))
	}
	return c.explain(c.checkNode(ctx, c.UniversalClient))
}

// CheckFor does what Check does, for the nodes that have some keys alone, and for each
// of them until it has passed: who needs one node of a Cluster does not wait for the
// others. The errors are those of Check; ErrServer counts for more.
func (c *Client) CheckFor(ctx context.Context, keys ...string) error {
	ctx, cancel := context.WithTimeout(ctx, c.patience)
	defer cancel()
	nodes := map[string]goredis.Cmdable{}
	for _, key := range keys {
		name, node, err := c.node(ctx, key)
		if err != nil {
			return c.explain(err)
		}
		if _, passed := c.passed.Load(name); !passed {
			nodes[name] = node
		}
	}
	var mu sync.Mutex
	var failed error
	var asking sync.WaitGroup
	for name, node := range nodes {
		asking.Go(func() {
			err := c.explain(c.checkNode(ctx, node))
			if err == nil {
				c.passed.Store(name, true)
				return
			}
			mu.Lock()
			defer mu.Unlock()
			if failed == nil || errors.Is(err, ErrServer) {
				failed = err
			}
		})
	}
	asking.Wait()
	return failed
}

// node gives the server that has a key, and its address; see NodeOf.
func (c *Client) node(ctx context.Context, key string) (name string, node goredis.Cmdable, err error) {
	cluster, ok := c.UniversalClient.(*goredis.ClusterClient)
	if !ok {
		return "", c.UniversalClient, nil
	}
	master, err := cluster.MasterForKey(ctx, key)
	if err != nil {
		return "", nil, err
	}
	return master.Options().Addr, master, nil
}

func (c *Client) checkNode(ctx context.Context, node goredis.Cmdable) error {
	server, err := info(ctx, node, "server")
	if err != nil {
		return err
	}
	if err := c.checkVersion(server); err != nil {
		return err
	}
	if server["redis_mode"] == "cluster" && !c.cluster {
		return c.unusable("it is a node of a Cluster: want a URL of the form redis+cluster://HOST:PORT,HOST:PORT")
	}
	policy, err := evictionPolicy(ctx, node)
	if err != nil {
		return err
	}
	if policy != "noeviction" && policy != "" {
		return c.unusable("with maxmemory-policy %s it evicts jobs when memory is short; mend it with: "+
			"%s CONFIG SET maxmemory-policy noeviction", policy, c.cli(ctx, node))
	}
	return nil
}

func (c *Client) checkVersion(server map[string]string) error {
	version := server["redis_version"] // Valkey says which Redis it is like
	major, _, _ := strings.Cut(version, ".")
	if n, err := strconv.Atoi(major); err == nil && n < minVersion {
		return c.unusable("version %s is too old: want Redis %d.0 or later, or Valkey", version, minVersion)
	}
	return nil
}

// evictionPolicy is "" where the server does not say. Hosted servers may forbid
// CONFIG and still tell by INFO.
func evictionPolicy(ctx context.Context, node goredis.Cmdable) (string, error) {
	conf, err := node.ConfigGet(ctx, "maxmemory-policy").Result()
	if !Answered(err) {
		return "", err
	}
	if policy := conf["maxmemory-policy"]; policy != "" {
		return policy, nil
	}
	memory, err := info(ctx, node, "memory")
	return memory["maxmemory_policy"], err
}

// info returns the fields of a section; none of a server that does not know it.
func info(ctx context.Context, node goredis.Cmdable, section string) (map[string]string, error) {
	text, err := node.Info(ctx, section).Result()
	if err != nil && (!Answered(err) || Temporary(err) || hasWord(err, refusals)) {
		return nil, err
	}
	fields := map[string]string{}
	for line := range strings.Lines(text) {
		if name, value, found := strings.Cut(strings.TrimSpace(line), ":"); found {
			fields[name] = value
		}
	}
	return fields, nil
}

// cli is the start of a redis-cli command line that reaches that very node.
func (c *Client) cli(ctx context.Context, node goredis.Cmdable) string {
	addr := c.addr
	if self, err := node.ClientInfo(ctx).Result(); err == nil && !strings.HasPrefix(addr, "unix:") {
		scheme, _, _ := strings.Cut(addr, ":")
		scheme, _, _ = strings.Cut(scheme, "+")
		addr = scheme + "://" + self.LAddr
	}
	if path, ok := strings.CutPrefix(addr, "unix://"); ok {
		return "redis-cli -s " + path + c.login
	}
	return "redis-cli -u " + addr + c.login
}

// refusals are the words by which a server does not let a client in.
var refusals = []string{"NOAUTH", "WRONGPASS", "NOPERM", "ERR AUTH", "ERR invalid password"}

// permissions are the ACL rules that everything here needs and no more.
const permissions = "~NAMESPACE:* &NAMESPACE:* +@all -@admin -@dangerous +info +config|get"

// explain names the server and what is missing.
func (c *Client) explain(err error) error {
	switch {
	case err == nil || errors.Is(err, ErrServer):
		return err
	case isDial(err) && hasWord(err, refusals):
		return c.refused("its sentinels let nobody in without the right sentinel_username and sentinel_password, parameters of the URL (%w)", err)
	case hasWord(err, []string{"NOAUTH"}):
		return c.refused("it wants a password: want redis://:PASSWORD@HOST:PORT or redis://USER:PASSWORD@HOST:PORT (%w)", err)
	case hasWord(err, []string{"NOPERM"}):
		return c.refused("the user lacks a permission: want %s (%w)", permissions, err)
	case hasWord(err, refusals):
		return c.refused("it refuses the user or the password (%w)", err)
	case hasWord(err, []string{"ERR This instance has cluster support disabled"}):
		return c.unusable("it is no Cluster: want a URL of the form redis://HOST:PORT (%w)", err)
	case Temporary(err) || !Answered(err):
		return fmt.Errorf("%w: %s: %w", drayhorse.ErrUnavailable, c.addr, err)
	default:
		return c.unusable("%w", err)
	}
}

// refusal is ErrServer, and drayhorse.ErrRefused too.
type refusal struct{}

func (refusal) Error() string { return ErrServer.Error() }

func (refusal) Is(target error) bool { return target == ErrServer || target == drayhorse.ErrRefused }

func (c *Client) refused(format string, args ...any) error {
	return fmt.Errorf("%w: %s: "+format, append([]any{refusal{}, c.addr}, args...)...)
}

func (c *Client) unusable(format string, args ...any) error {
	return fmt.Errorf("%w: %s: "+format, append([]any{ErrServer, c.addr}, args...)...)
}
