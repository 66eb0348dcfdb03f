package scale

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/drayhorse/drayhorse/bench/internal/process"
	"github.com/drayhorse/drayhorse/bench/internal/report"
	"github.com/drayhorse/drayhorse/bench/internal/store"
)

const (
	idleProcesses = 4
	idleWorkers   = 25 // of each
	idleSettle    = 15 * time.Second
	idleWindow    = 20 * time.Second
	idleWatch     = 5 * time.Second
)

// idle has many workers wait for nothing.
func idle(ctx context.Context, l *lab) error {
	return onRedis(ctx, func(s *site) error {
		f, err := startCrews(ctx, idleProcesses, crew{
			URL: s.at.URL, Workers: idleWorkers, Concurrency: 10, Queues: map[string]int{"critical": 6, "mail": 3, "default": 1},
		})
		if err != nil {
			return err
		}
		defer f.end()
		if err := f.begin(); err != nil {
			return err
		}
		if err := pause(ctx, idleSettle); err != nil {
			return err
		}
		got, err := s.watch(ctx, f)
		if err != nil {
			return err
		}
		l.out.Tables = append(l.out.Tables, got)
		return nil
	})
}

func (s *site) watch(ctx context.Context, f *fleet) (report.Table, error) {
	const workers = idleProcesses * idleWorkers
	table := report.Table{
		Name: "idle", Title: "Idle workers", Header: []string{"", "value"},
		About: fmt.Sprintf("%d workers of three queues each, in %d processes, with nothing to do for %v. The target is at most one command a second for each worker.", workers, idleProcesses, idleWindow),
	}
	add := func(label string, v float64) {
		table.Rows = append(table.Rows, report.Row{Label: label, Values: []float64{v}})
	}
	client := store.Client(s.at.Direct)
	defer func() { _ = client.Close() }()
	commands, server, crews, err := s.totals(ctx, f)
	if err != nil {
		return table, err
	}
	if err := pause(ctx, idleWindow); err != nil {
		return table, err
	}
	commandsAfter, serverAfter, crewsAfter, err := s.totals(ctx, f)
	if err != nil {
		return table, err
	}
	per := 1 / idleWindow.Seconds()
	add("commands that Redis counts, those of scripts included, 1/s per worker", (commandsAfter-commands)*per/workers)
	add("CPU of Redis, % of a core", (serverAfter-server)*per*100)
	add("CPU of all workers, % of a core", (crewsAfter-crews)*per*100)
	sent, err := s.sent(ctx)
	if err != nil {
		return table, err
	}
	total := 0.0
	for _, c := range sent {
		total += c.perSecond
	}
	add(report.IdleRow, total/workers)
	for _, c := range sent {
		add("of them "+c.name, c.perSecond/workers)
	}
	return table, nil
}

// totals are the commands that Redis has processed, its CPU and that of the workers.
func (s *site) totals(ctx context.Context, f *fleet) (commands, server, crews float64, err error) {
	client := store.Client(s.at.Direct)
	defer func() { _ = client.Close() }()
	if commands, err = store.Number(ctx, client, "stats", "total_commands_processed"); err != nil {
		return 0, 0, 0, err
	}
	for _, p := range f.all {
		cpu, err := process.CPU(p.Cmd.Process.Pid)
		if err != nil {
			return 0, 0, 0, err
		}
		crews += cpu
	}
	server, err = s.at.CPU()
	return commands, server, crews, err
}

type sentCommand struct {
	name      string
	perSecond float64
}

// sent watches what clients send, by command; what scripts call is left out.
func (s *site) sent(ctx context.Context) ([]sentCommand, error) {
	conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", strings.TrimSuffix(strings.TrimPrefix(s.at.Direct, "redis://"), "/0"))
	if err != nil {
		return nil, err
	}
	defer func() { _ = conn.Close() }()
	if _, err := fmt.Fprint(conn, "MONITOR\r\n"); err != nil {
		return nil, err
	}
	if err := conn.SetReadDeadline(time.Now().Add(idleWatch)); err != nil {
		return nil, err
	}
	counts := map[string]float64{}
	lines := bufio.NewScanner(conn)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		if name := sentBy(lines.Text()); name != "" {
			counts[name]++
		}
	}
	if err := lines.Err(); !errors.Is(err, os.ErrDeadlineExceeded) {
		return nil, fmt.Errorf("MONITOR ended: %w", err)
	}
	var sent []sentCommand
	for name, n := range counts {
		sent = append(sent, sentCommand{name, n / idleWatch.Seconds()})
	}
	slices.SortFunc(sent, func(a, b sentCommand) int { return strings.Compare(a.name, b.name) })
	return sent, nil
}

// sentBy is the command of a line such as: 1700.5 [0 127.0.0.1:5] "evalsha" "..."
func sentBy(line string) string {
	_, rest, found := strings.Cut(line, "] \"")
	if !found || strings.Contains(line, " lua] ") {
		return ""
	}
	name, _, _ := strings.Cut(rest, "\"")
	return strings.ToLower(name)
}
