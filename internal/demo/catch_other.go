//go:build !linux

package demo

import (
	"bufio"
	"context"
	"fmt"
	"net/http"
	"strconv"
	"strings"
)

// catch gives how many jobs the worker runs, by its metrics: when it is killed they may have ended.
func (w *worker) catch(ctx context.Context) (int, error) {
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, w.metrics, http.NoBody)
	if err != nil {
		return 0, err
	}
	request.Close = true
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return 0, fmt.Errorf("%s: %w", w.name, err)
	}
	defer func() { _ = response.Body.Close() }() // only read
	for lines := bufio.NewScanner(response.Body); lines.Scan(); {
		if value, ok := strings.CutPrefix(lines.Text(), "drayhorse_worker_running "); ok {
			return strconv.Atoi(value)
		}
	}
	return 0, fmt.Errorf("%s: no drayhorse_worker_running at %s", w.name, w.metrics)
}
