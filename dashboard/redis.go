package dashboard

import (
	"log/slog"
	"time"

	"github.com/drayhorse/drayhorse/admin"
	"github.com/drayhorse/drayhorse/internal/board"
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
		row := serverRow{Server: s, Saved: figures.When(s.SnapshotAt, time.Now()), Notices: noticesOf(board.NoticesOfServer(&s))}
		if s.MaxMemory > 0 {
			row.Use = int(min(100, s.Memory*100/s.MaxMemory))
		}
		p.Servers = append(p.Servers, row)
	}
	if err != nil {
		p.Servers = append(p.Servers, serverRow{Notices: []notice{{board.Bad, "A server of the Cluster does not answer; the log says which.", ""}}})
		q.d.log.ErrorContext(q.r.Context(), "server does not answer", slog.String(logs.Error, err.Error()))
	}
	return q.show("redis", "Redis", p)
}
