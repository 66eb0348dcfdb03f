package store

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/logging"

	"github.com/drayhorse/drayhorse/bench/internal/process"
)

func init() { logging.Disable() } // go-redis tells of each dial before the server is there

// patience is how long a server may take to start.
const patience = 20 * time.Second

func startRedis(ctx context.Context, durable bool) (*Store, error) {
	aof := []string{}
	if durable {
		aof = append(aof, "--appendonly", "yes", "--appendfsync", "everysec")
	}
	return redisServer(ctx, aof...)
}

// redisServer runs redis-server at its defaults without snapshots.
func redisServer(ctx context.Context, args ...string) (*Store, error) {
	if err := process.Installed("redis-server", "Debian's package redis-server"); err != nil {
		return nil, err
	}
	port, err := process.FreePort()
	if err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp("", "drayhorse-bench-")
	if err != nil {
		return nil, err
	}
	s := &Store{stop: []func(){func() { _ = os.RemoveAll(dir) }}}
	var log bytes.Buffer
	args = append([]string{"--port", port, "--bind", "127.0.0.1", "--save", "", "--dir", dir, "--loglevel", "warning"}, args...)
	cmd := exec.CommandContext(context.WithoutCancel(ctx), "redis-server", args...) //nolint:gosec // arguments of the benchmark's own
	cmd.Stderr = &log
	p, err := process.Start(cmd)
	if err != nil {
		s.Stop()
		return nil, err
	}
	s.stop = append(s.stop, p.Kill)
	s.URL, s.PID = "redis://127.0.0.1:"+port+"/0", cmd.Process.Pid
	client := Client(s.URL)
	defer func() { _ = client.Close() }()
	for begun := time.Now(); ; time.Sleep(5 * time.Millisecond) {
		if err = client.Ping(ctx).Err(); err == nil {
			break
		}
		if ctx.Err() != nil || time.Since(begun) > patience {
			s.Stop()
			return nil, ended("redis-server", err, log.String())
		}
	}
	s.Version, err = Info(ctx, client, "server", "redis_version")
	s.Version = "Redis " + s.Version
	return s, err
}

// Client makes a client for the benchmark's own questions.
func Client(url string) *redis.Client {
	return redis.NewClient(&redis.Options{Addr: hostPort(url), MaxRetries: -1, DialerRetries: 1, DisableIdentity: true})
}

// Info is one field of Redis's INFO.
func Info(ctx context.Context, client *redis.Client, section, field string) (string, error) {
	text, err := client.Info(ctx, section).Result()
	if err != nil {
		return "", err
	}
	for line := range strings.Lines(text) {
		if value, ok := strings.CutPrefix(line, field+":"); ok {
			return strings.TrimSpace(value), nil
		}
	}
	return "", fmt.Errorf("redis does not say its %s", field)
}

// Number is one numeric field of Redis's INFO.
func Number(ctx context.Context, client *redis.Client, section, field string) (float64, error) {
	value, err := Info(ctx, client, section, field)
	if err != nil {
		return 0, err
	}
	return strconv.ParseFloat(value, 64)
}

// Memory is how many bytes Redis uses, but for the buffers of its clients.
func Memory(ctx context.Context, url string) (float64, error) {
	client := Client(url)
	defer func() { _ = client.Close() }()
	used, err := Number(ctx, client, "memory", "used_memory")
	if err != nil {
		return 0, err
	}
	buffers, err := Number(ctx, client, "memory", "mem_clients_normal")
	return used - buffers, err
}

// Calls is how often Redis has been sent these commands. What scripts call counts under
// its own names.
func Calls(ctx context.Context, client *redis.Client, commands ...string) (float64, error) {
	text, err := client.Info(ctx, "commandstats").Result()
	if err != nil {
		return 0, err
	}
	sum := 0.0
	for line := range strings.Lines(text) {
		name, fields, _ := strings.Cut(strings.TrimPrefix(line, "cmdstat_"), ":calls=")
		if !slices.Contains(commands, name) {
			continue
		}
		calls, _, _ := strings.Cut(fields, ",")
		n, err := strconv.ParseFloat(calls, 64)
		if err != nil {
			return 0, err
		}
		sum += n
	}
	return sum, nil
}
