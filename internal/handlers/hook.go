package handlers

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"time"

	"github.com/drayhorse/drayhorse"
)

// hook is an HTTP that is ready to run.
type hook struct {
	HTTP
	name   string // for messages: a path or query may hold secrets
	header http.Header
	keys   []Secret // that requests are signed with
	client *http.Client
	slots  slots
	log    *slog.Logger
}

func newHook(cfg HTTP, opts Options, clients *clients) (*hook, error) {
	u, err := cfg.parseURL()
	if err != nil {
		return nil, err
	}
	h := &hook{
		HTTP: cfg.withDefaults(), name: "POST " + u.Scheme + "://" + u.Host, header: make(http.Header),
		slots: clients.slots[hostPort(u)], log: opts.Logger,
	}
	for name, value := range cfg.Headers {
		h.header.Set(name, value)
	}
	for _, name := range slices.Sorted(maps.Keys(cfg.SecretHeaders)) {
		value, err := cfg.SecretHeaders[name].read(opts.LookupEnv)
		if err != nil {
			return nil, prefix("secret_headers."+name, err)
		}
		if err := validateHeader(name, value.Reveal()); err != nil {
			return nil, prefix("secret_headers", err)
		}
		h.header.Set(name, value.Reveal())
	}
	if h.keys, err = cfg.keys(opts); err != nil {
		return nil, err
	}
	var transport http.RoundTripper = clients.public
	if cfg.AllowPrivate {
		transport = &home{host: u.Hostname(), public: clients.public, private: clients.private}
	}
	h.client = newClient(transport, cfg.Redirects, h.header)
	return h, nil
}

// keys gives the secrets that requests are signed with, the present one first.
func (h *HTTP) keys(opts Options) ([]Secret, error) {
	var keys []Secret
	for _, s := range []struct {
		key    string
		source *SecretSource
	}{{"secret", h.Secret}, {"previous_secret", h.PreviousSecret}} {
		if s.source == nil {
			continue
		}
		key, err := s.source.read(opts.LookupEnv)
		if err != nil {
			return nil, prefix(s.key, err)
		}
		if slices.Contains(keys, key) {
			return nil, invalidf(s.key, "is the same as secret; want another one, or none")
		}
		keys = append(keys, key)
	}
	return keys, nil
}

// run is the handler.
func (h *hook) run(ctx context.Context, job *drayhorse.Job[json.RawMessage]) error {
	if err := h.slots.take(ctx); err != nil {
		return fmt.Errorf("%s: %w", h.name, err)
	}
	defer h.slots.put()
	ctx, stop := withTimeout(ctx, h.Timeout)
	defer stop()
	ctx = withAttempt(ctx)
	req, err := h.request(ctx, job)
	if err != nil {
		return err
	}
	resp, err := h.client.Do(req)
	if err != nil {
		return h.failure(ctx, err)
	}
	defer func() { _ = resp.Body.Close() }()
	if resp.StatusCode/100 != 2 {
		return h.refusal(resp)
	}
	return h.keep(ctx, resp, job)
}

func (h *hook) request(ctx context.Context, job *drayhorse.Job[json.RawMessage]) (*http.Request, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, h.URL, bytes.NewReader(job.Args))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", h.name, err)
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("User-Agent", "drayhorse")
	maps.Copy(req.Header, h.header)
	describe(req.Header, job)
	if len(h.keys) > 0 {
		req.Header.Set(headerSignature, sign(h.keys, time.Now(), job))
	}
	return req, nil
}

// failure says why there is no whole answer, without the URL that net/http would
// name in full.
func (h *hook) failure(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		err = context.Cause(ctx)
	} else if e, ok := errors.AsType[*url.Error](err); ok {
		err = e.Err
	}
	return fmt.Errorf("%s: %w", h.name, err)
}
