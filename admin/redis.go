package admin

import (
	"context"

	redisconn "github.com/drayhorse/drayhorse/internal/redis"
)

// Server is what a server of Redis says of itself. Fields that it says nothing of are zero.
type Server = redisconn.Health

// Servers asks the server, or each master of a Cluster, what it says of itself. The error
// is that of one that does not answer, such as drayhorse.ErrUnavailable; the others are
// given beside it.
func (a *Admin) Servers(ctx context.Context) ([]Server, error) { return a.client.Health(ctx) }

// Addr is the URL of Redis, without secrets and parameters.
func (a *Admin) Addr() string { return a.client.Addr() }

// Namespace is the prefix of all keys.
func (a *Admin) Namespace() string { return a.namespace }
