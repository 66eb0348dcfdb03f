package redis

import (
	"fmt"
	"reflect"
	"strings"
	"time"

	goredis "github.com/redis/go-redis/v9"

	"github.com/drayhorse/drayhorse"
)

// failoverAddr is what go-redis calls the address of a client that asks
// sentinels: its dialer knows the real one.
const failoverAddr = "FailoverClient"

// clone takes where to connect and how to log in from an application's client,
// and the rest from here. The error is drayhorse.ErrInvalid.
func clone(client goredis.UniversalClient) (target, error) {
	if v := reflect.ValueOf(client); v.Kind() == reflect.Pointer && v.IsNil() {
		return target{}, fmt.Errorf("%w: the redis client is a nil %T: want one that was made, or a URL", drayhorse.ErrInvalid, client)
	}
	switch c := client.(type) {
	case *Client:
		return c.target, nil
	case *goredis.Client:
		return cloneSingle(*c.Options()), nil
	case *goredis.ClusterClient:
		return cloneCluster(*c.Options()), nil
	default:
		return target{}, fmt.Errorf("%w: redis client of type %T: want *redis.Client or *redis.ClusterClient",
			drayhorse.ErrInvalid, client)
	}
}

// cloneSingle serves clients of sentinels too, for their dialer is an option.
func cloneSingle(o goredis.Options) target {
	o.DialTimeout, o.ReadTimeout, o.WriteTimeout = dialTimeout, callTimeout, callTimeout
	o.Limiter, o.MaxConcurrentDials, o.MaxActiveConns = nil, 0, 0
	o.ClientSideCache, o.ClientSideCacheConfig = nil, nil
	return target{
		addr:     singleAddr(o),
		login:    login(o.Username, o.Password != ""),
		patience: callTimeout,
		now:      clockOf(o.Addr),
		open:     func(poolSize int) goredis.UniversalClient { return openSingle(o, poolSize) },
	}
}

func singleAddr(o goredis.Options) string {
	scheme := "redis"
	switch {
	case o.Network == "unix":
		return "unix://" + o.Addr
	case o.TLSConfig != nil:
		scheme = "rediss"
	}
	if o.Addr == failoverAddr {
		return fmt.Sprintf("%s+sentinel (the application's client), database %d", scheme, o.DB)
	}
	return fmt.Sprintf("%s://%s/%d", scheme, o.Addr, o.DB)
}

func cloneCluster(o goredis.ClusterOptions) target {
	o.DialTimeout, o.ReadTimeout, o.WriteTimeout = dialTimeout, callTimeout, callTimeout
	o.MaxConcurrentDials, o.MaxActiveConns = 0, 0
	o.ReadOnly, o.RouteByLatency, o.RouteRandomly = false, false, false
	scheme := "redis+cluster"
	if o.TLSConfig != nil {
		scheme = "rediss+cluster"
	}
	return target{
		addr:     scheme + "://" + strings.Join(o.Addrs, ","),
		login:    login(o.Username, o.Password != ""),
		cluster:  true,
		patience: callTimeout,
		now:      time.Now,
		open:     func(poolSize int) goredis.UniversalClient { return openCluster(o, poolSize) },
	}
}
