package admin

import (
	"context"
	"time"
)

// Server is what a server of Redis says of itself. Fields that it says nothing of are zero,
// and those of sizes and times that it has no bound for.
type Server struct {
	Addr     string        // of a Cluster's master HOST:PORT; else the URL, without secrets
	Version  string        // as in "redis 7.0.15" or "valkey 8.0.1"
	Mode     string        // standalone, sentinel or cluster
	Role     string        // master or slave
	Uptime   time.Duration // since it started
	Took     time.Duration // that a PING took, there and back
	Replicas int           // that are connected

	Clients, Blocked  int     // connections; those that wait for something
	MaxClients        int     // there may be
	Commands          int64   // it ran in the last second
	Memory, MaxMemory int64   // bytes used; bytes allowed, 0: all of the machine
	Fragmentation     float64 // memory of the process by what it uses
	Policy            string  // maxmemory-policy
	Evicted, Rejected int64   // keys evicted, connections refused since it started
	AppendOnly        bool    // it keeps a log
	AppendOnlyFailed  bool    // the last write of the log failed
	SnapshotFailed    bool    // the last snapshot failed
	SnapshotAt        time.Time
	Loading           bool // it reads its data still
	ReplicaLinkIsDown bool // it is a replica and has lost its primary
	Keys              int64
}

// Servers asks the server, or each master of a Cluster, what it says of itself. The error
// is that of one that does not answer, such as drayhorse.ErrUnavailable; the others are
// given beside it.
func (a *Admin) Servers(ctx context.Context) ([]Server, error) {
	healths, err := a.client.Health(ctx)
	servers := make([]Server, len(healths))
	for i, h := range healths {
		servers[i] = Server(h)
	}
	return servers, err
}

// Addr is the URL of Redis, without secrets and parameters.
func (a *Admin) Addr() string { return a.client.Addr() }

// Namespace is the prefix of all keys.
func (a *Admin) Namespace() string { return a.namespace }
