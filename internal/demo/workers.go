package demo

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"time"

	"github.com/drayhorse/drayhorse/internal/conf"
	"github.com/drayhorse/drayhorse/internal/handlers"
)

// writeWorkerFile writes the config file of the workers.
func writeWorkerFile(path string, concurrency int, commands map[string][]string) error {
	file := struct {
		Queues      map[string]int             `yaml:"queues"`
		Concurrency int                        `yaml:"concurrency"`
		Handlers    map[string]handlers.Config `yaml:"handlers"`
	}{map[string]int{digestQueue: 1, progressQueue: 1}, concurrency, map[string]handlers.Config{}}
	for kind, command := range commands {
		file.Handlers[kind] = handlers.Config{Exec: &handlers.Exec{Command: command, Timeout: time.Minute}}
	}
	text, err := conf.Encode(file)
	if err != nil {
		return err
	}
	return os.WriteFile(path, text, 0o600)
}

// worker is a worker process that tells how it is by its metrics.
type worker struct {
	*child

	metrics string // URL
}

func (s *stage) startWorker(ctx context.Context, name string, argv []string) (*worker, error) {
	c, err := s.start(name, append(argv, "--log-format", "json", "--metrics", "127.0.0.1:0")...)
	if err != nil {
		return nil, err
	}
	w := &worker{child: c}
	err = until(ctx, startTimeout, name+" serves its metrics", func() (bool, error) {
		if err := c.check(); err != nil {
			return false, err
		}
		addr, err := w.metricsAddr()
		w.metrics = "http://" + addr + "/metrics"
		return addr != "", err
	})
	return w, err
}

// metricsAddr is where the log says that metrics are served; "" so far nowhere.
func (w *worker) metricsAddr() (string, error) {
	text, err := os.ReadFile(w.log)
	if err != nil {
		return "", err
	}
	for row := range bytes.Lines(text) {
		var entry struct{ Msg, Addr string }
		if json.Unmarshal(row, &entry) == nil && entry.Msg == "serving metrics" {
			return entry.Addr, nil
		}
	}
	return "", nil
}
