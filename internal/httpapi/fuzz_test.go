package httpapi_test

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/drayhorse/drayhorse"
	"github.com/drayhorse/drayhorse/admin"
	"github.com/drayhorse/drayhorse/flow"
	"github.com/drayhorse/drayhorse/internal/httpapi"
	"github.com/drayhorse/drayhorse/producer"
)

// nowhere takes jobs as a producer does, and keeps none.
type nowhere struct{ t *testing.T }

func (n *nowhere) Enqueue(_ context.Context, args drayhorse.Args, options ...drayhorse.Option) (*drayhorse.Info, error) {
	n.t.Helper()
	settings, err := drayhorse.Resolve(options...)
	if err != nil {
		n.t.Errorf("options that no producer takes: %v", err)
	}
	if err := drayhorse.ValidateKind(args.Kind()); err != nil {
		n.t.Errorf("a kind that no producer takes: %v", err)
	}
	if _, err := drayhorse.EncodeArgs(args, drayhorse.DefaultMaxArgs); err != nil {
		n.t.Errorf("arguments that no producer takes: %v", err)
	}
	return &drayhorse.Info{ID: "a", Kind: args.Kind(), Queue: settings.Queue}, nil
}

func (n *nowhere) Wait(context.Context, string, ...drayhorse.Option) (*drayhorse.Info, error) {
	return nil, drayhorse.ErrNotFound
}

func (n *nowhere) Log(context.Context, string, ...drayhorse.Option) (*drayhorse.JobLog, error) {
	return nil, drayhorse.ErrNotFound
}

func (n *nowhere) ReadStream(context.Context, string, string, int64, ...drayhorse.Option) (*producer.Stream, error) {
	return nil, drayhorse.ErrNotFound
}

func (n *nowhere) EnqueueMany(ctx context.Context, specs []drayhorse.Spec) ([]*drayhorse.Info, error) {
	n.t.Helper()
	var infos []*drayhorse.Info
	for _, spec := range specs {
		info, err := n.Enqueue(ctx, spec.Args, spec.Options...)
		if err != nil {
			return nil, err
		}
		infos = append(infos, info)
	}
	return infos, nil
}

func (*nowhere) Get(context.Context, string, ...drayhorse.Option) (*drayhorse.Info, error) {
	return nil, drayhorse.ErrNotFound
}
func (*nowhere) Steps(context.Context, string, ...drayhorse.Option) (*drayhorse.JobSteps, error) {
	return nil, drayhorse.ErrNotFound
}

func (*nowhere) Signal(context.Context, string, string, any, ...flow.SignalOption) error { return nil }

func (*nowhere) Submit(context.Context, *flow.Flow) (*flow.Info, error) {
	return nil, drayhorse.ErrUnavailable
}

func (*nowhere) NewBatch(context.Context, flow.Batch) (*producer.Batch, error) {
	return nil, drayhorse.ErrUnavailable
}

func (*nowhere) Batch(context.Context, string) (*producer.Batch, error) {
	return nil, drayhorse.ErrNotFound
}

func (*nowhere) FlowResult(context.Context, string, string, any) error { return drayhorse.ErrNoResult }

func (*nowhere) CancelFlow(context.Context, string) error { return drayhorse.ErrNotFound }

func (*nowhere) Flow(context.Context, string) (*flow.Info, error) { return nil, drayhorse.ErrNotFound }

func (*nowhere) Cancel(context.Context, string, ...drayhorse.Option) error { return nil }
func (*nowhere) Queue(context.Context, string) (*admin.Queue, error) {
	return nil, drayhorse.ErrNotFound
}

func (*nowhere) DeleteQueue(context.Context, string, bool) (int, error) { return 0, nil }

func (*nowhere) Series(context.Context, admin.SeriesQuery) (*admin.Series, error) {
	return &admin.Series{}, nil
}

func (*nowhere) Events(context.Context, admin.EventQuery) (*admin.Events, error) {
	return nil, drayhorse.ErrUnavailable
}

func (*nowhere) Look(_ context.Context, names ...string) ([]*admin.Queue, int, error) {
	return make([]*admin.Queue, len(names)), 0, nil
}

// FuzzRequests: whatever a client sends is answered, what is refused by a problem, and
// nothing reaches the producer that it would refuse.
func FuzzRequests(f *testing.F) {
	job := `{"kind":"k","args":{"a":1},"queue":"q","in":"5m"}`
	f.Add("POST", "/v1/jobs", "application/json", "key-1", []byte(job))
	f.Add("POST", "/v1/jobs/batch?results=refused", "application/x-ndjson", "k", []byte(job+"\n\n{\"kind\":\"k\"}\nx\n"+job))
	f.Add("GET", "/v1/jobs/a%2Fb?queue=q", "", "", []byte(nil))
	f.Add("DELETE", "/v1/jobs/a?queue=", "", "", []byte(nil))
	f.Add("GET", "/v1/jobs/a?que=%zz&queue=a&queue=b", "", "", []byte(nil))
	f.Add("POST", "/v1/jobs", "application/json", "", []byte("\xef\xbb\xbf"+`{"kind":"k","args":[[{"a":1,"\u0061":2}]]}`))
	f.Add("DELETE", "/v1/queues/a?force=true", "", "", []byte(nil))
	f.Add("GET", "/openapi.yaml", "", "", []byte(nil))
	f.Add("PATCH", "/v1/jobs/batch", "", "", []byte(nil))
	stub := &nowhere{}
	limits := httpapi.DefaultLimits()
	limits.MaxBody = 1 << 16
	server, err := httpapi.New(httpapi.Config{Jobs: stub, Queues: stub, Limits: limits})
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, method, target, contentType, key string, body []byte) {
		u, err := url.ParseRequestURI(target)
		if err != nil || target == "*" || method == "" || strings.ContainsAny(method, " \r\n") {
			return // net/http does not hand it on
		}
		r := httptest.NewRequest(http.MethodPost, "http://127.0.0.1/", strings.NewReader(string(body)))
		r.Method, r.URL, r.RequestURI, r.Host = method, u, target, "127.0.0.1"
		r.Header.Set("Content-Type", contentType)
		r.Header.Set("Idempotency-Key", key)
		stub.t = t
		w := httptest.NewRecorder()
		server.ServeHTTP(w, r)
		if w.Code < 400 {
			return
		}
		var p httpapi.Problem
		if err := json.Unmarshal(w.Body.Bytes(), &p); method != http.MethodHead && (err != nil || p.Status != w.Code) {
			t.Errorf("%s %q: %d %s", method, target, w.Code, w.Body)
		}
		if w.Code >= 500 {
			t.Errorf("%s %q: %d %s", method, target, w.Code, w.Body)
		}
	})
}

// FuzzTokenFile: a token file is taken or refused as invalid.
func FuzzTokenFile(f *testing.F) {
	hash := httpapi.HashOf("secret").String()
	f.Add([]byte("tokens:\n  - {name: a, sha256: " + hash + ", enqueue: [q], read: [\"*\"], rate: 1.5}\n"))
	f.Add([]byte("tokens:\n  - {name: a, sha256: \"00\"}\n"))
	f.Add([]byte("tokens:\n  - {name: a, sha256: " + hash + ", cancel: [q/k, \"*/k\"], work: [\"*\"], max_timeout: 5m, max_size: 10, create_queues: 0}\n"))
	f.Add([]byte("tokens: [\"]\", {a: &a [*a, !b ? - x]}"))
	f.Add([]byte("tokens: &t\n  - *t\n"))
	f.Add([]byte("tokens: [{name: a, rate: .nan}]"))
	f.Add([]byte("tokens: !00 00000")) // the YAML library panics
	path := filepath.Join(f.TempDir(), "tokens.yaml")
	f.Fuzz(func(t *testing.T, content []byte) {
		if err := os.WriteFile(path, content, 0o600); err != nil {
			t.Fatal(err)
		}
		begun := time.Now()
		if _, err := httpapi.OpenTokens(path, httpapi.Rates{Rate: 10}, nil); err != nil && !errors.Is(err, drayhorse.ErrInvalid) {
			t.Error(err)
		}
		if took := time.Since(begun); took > 10*time.Second {
			t.Errorf("%d bytes took %v", len(content), took)
		}
	})
}
