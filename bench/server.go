package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"
)

// server is a redis-server of the benchmark's own.
type server struct {
	addr, version string
	client        *redis.Client
	cmd           *exec.Cmd
	dir           string
}

func startRedis(ctx context.Context) (*server, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	addr := l.Addr().String()
	_ = l.Close()
	_, port, _ := net.SplitHostPort(addr)
	dir, err := os.MkdirTemp("", "drayhorse-bench-")
	if err != nil {
		return nil, err
	}
	s := &server{addr: addr, dir: dir, client: redis.NewClient(&redis.Options{Addr: addr, MaxRetries: -1})}
	s.cmd = exec.Command("redis-server", "--port", port, "--bind", "127.0.0.1", "--save", "", "--dir", dir, "--loglevel", "warning")
	if err := s.cmd.Start(); err != nil {
		return nil, errors.Join(fmt.Errorf("start redis-server: %w", err), os.RemoveAll(dir))
	}
	for deadline := time.Now().Add(10 * time.Second); ; {
		if err = s.client.Ping(ctx).Err(); err == nil {
			break
		}
		if time.Now().After(deadline) {
			s.stop()
			return nil, fmt.Errorf("redis-server does not answer: %w", err)
		}
		time.Sleep(10 * time.Millisecond)
	}
	s.version, err = s.info(ctx, "server", "redis_version")
	return s, err
}

func (s *server) stop() {
	_ = s.client.Close()
	_ = s.cmd.Process.Kill()
	_ = s.cmd.Wait()
	_ = os.RemoveAll(s.dir)
}

func (s *server) url() string { return "redis://" + s.addr + "/0" }

// empty makes every measure start from nothing.
func (s *server) empty(ctx context.Context) error { return s.client.FlushAll(ctx).Err() }

func (s *server) info(ctx context.Context, section, field string) (string, error) {
	text, err := s.client.Info(ctx, section).Result()
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

func (s *server) number(ctx context.Context, section, field string) (float64, error) {
	value, err := s.info(ctx, section, field)
	if err != nil {
		return 0, err
	}
	return strconv.ParseFloat(value, 64)
}

// cpu is how many CPU seconds the server has used.
func (s *server) cpu(ctx context.Context) (float64, error) {
	user, err := s.number(ctx, "cpu", "used_cpu_user")
	if err != nil {
		return 0, err
	}
	sys, err := s.number(ctx, "cpu", "used_cpu_sys")
	return user + sys, err
}
