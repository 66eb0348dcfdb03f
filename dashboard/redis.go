package dashboard

import (
	"fmt"
	"log/slog"
	"time"

	"github.com/drayhorse/drayhorse/admin"
	"github.com/drayhorse/drayhorse/internal/figures"
	"github.com/drayhorse/drayhorse/internal/logs"
)

// serverRow is a server of Redis.
type serverRow struct {
	admin.Server

	Use     int // percent of the memory that is allowed
	Saved   figures.Moment
	Notices []notice
}

type redisPage struct {
	Servers []serverRow
	More    int
}

const serversShown = 64

func showRedis(q *request) error {
	servers, err := q.gate.admin.Servers(q.r.Context())
	if err != nil && len(servers) == 0 {
		return err
	}
	p := &redisPage{More: max(0, len(servers)-serversShown)}
	for _, s := range servers[:min(len(servers), serversShown)] {
		row := serverRow{Server: s, Saved: figures.When(s.SnapshotAt, time.Now()), Notices: noticesOfServer(&s)}
		if s.MaxMemory > 0 {
			row.Use = int(min(100, s.Memory*100/s.MaxMemory))
		}
		p.Servers = append(p.Servers, row)
	}
	if err != nil {
		p.Servers = append(p.Servers, serverRow{Notices: []notice{{"bad", "A server of the Cluster does not answer; the log says which.", ""}}})
		q.d.log.ErrorContext(q.r.Context(), "server does not answer", slog.String(logs.Error, err.Error()))
	}
	return q.show("redis", "Redis", p)
}

// noticesOfServer says what is wrong with a server, or could be.
func noticesOfServer(s *admin.Server) (all []notice) {
	say := func(level, format string, args ...any) {
		all = append(all, notice{level, fmt.Sprintf(format, args...), ""})
	}
	if s.Loading {
		say("bad", "It reads its data from disk, and answers nothing until it has.")
	}
	if s.AppendOnlyFailed {
		say("bad", "Its last write to the append-only file failed: what it acknowledges may be lost when it ends.")
	}
	if s.SnapshotFailed {
		say("bad", "Its last snapshot failed.")
	}
	if s.ReplicaLinkIsDown {
		say("bad", "It is a replica and has lost its primary.")
	}
	if s.MaxMemory > 0 && s.Memory*10 > s.MaxMemory*9 {
		say("bad", "Its memory is nearly full: soon nothing can be enqueued.")
	} else if s.MaxMemory > 0 && s.Memory*10 > s.MaxMemory*7 {
		say("warn", "More than 70 %% of its memory is in use.")
	}
	if s.Policy != "" && s.Policy != "noeviction" {
		say("bad", "With maxmemory-policy %s it throws jobs away when memory is short; want noeviction.", s.Policy)
	}
	if s.Evicted > 0 {
		say("bad", "It has thrown away %s keys since it started.", figures.Count(s.Evicted))
	}
	if s.Rejected > 0 {
		say("warn", "It has refused %s connections since it started: maxclients is %s.", figures.Count(s.Rejected), figures.Count(s.MaxClients))
	}
	if s.Uptime > 0 && !s.AppendOnly && s.Version != "" {
		say("note", "It keeps no append-only file: what was enqueued since the last snapshot is lost when it ends.")
	}
	if s.MaxMemory == 0 && s.Memory > 0 {
		say("note", "It has no maxmemory: it may take all of the machine's.")
	}
	return all
}
