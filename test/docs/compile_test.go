package docs_test

import (
	"errors"
	"go/ast"
	"go/importer"
	"go/parser"
	"go/token"
	"go/types"
	"io"
	"os"
	"os/exec"
	"strings"
	"testing"
)

// packages are those that the code of the pages may use without importing them.
var packages = []string{
	"context", "database/sql", "encoding/json", "errors", "fmt", "log", "log/slog", "net/http", "os", "os/signal", "slices", "syscall", "testing", "time",
	"github.com/prometheus/client_golang/prometheus", "github.com/redis/go-redis/v9", "golang.org/x/sync/errgroup",
	"go.opentelemetry.io/otel/trace",
	module, module + "/admin", module + "/dashboard", module + "/drayhorsetest", module + "/lock", module + "/outbox", module + "/producer", module + "/scheduler",
	module + "/tracing", module + "/worker", module + "/flow", module + "/step",
}

const module = "github.com/drayhorse/drayhorse"

// prelude is what the code of the pages takes for granted.
const prelude = `
var (
	ctx      context.Context
	err      error
	url, id  string
	p        *producer.Producer
	w        *worker.Worker
	s        *scheduler.Scheduler
	a        *admin.Admin
	info     *drayhorse.Info
	logger   *slog.Logger
	provider trace.TracerProvider
	rdb      redis.UniversalClient
	registry *prometheus.Registry
	handler  http.Handler
	db       *sql.DB
	t        *testing.T
	env      *drayhorsetest.Env
	sent     int
	app      interface{ NewScheduler(url string) (*scheduler.Scheduler, error) }
)

type Welcome struct {
	UserID int64
	Lang   string
}

func (Welcome) Kind() string { return "welcome" }

type Digest struct{}

func (Digest) Kind() string { return "digest" }

type Reminder struct{}

func (Reminder) Kind() string { return "reminder" }

// Those of unique jobs.
type (
	Resize  struct{ Image int }
	Rebuild struct{ Page string }
	Index   struct{ Document, Version int }
	Notify  struct{ User int }
	Report  struct{ Shop int }
)

// Row is one of a table.
type Row struct{ Name string }

func (Row) Kind() string { return "row" }

func insert(context.Context, []Row) error { return nil }

// Size is the result of a Resize.
type Size struct{ Width, Height int }

// SendCode is one that must start in time, ChargeCard one whose queue has a limit.
type (
	SendCode struct{ Phone string }
	ChargeCard struct{ Order int }
)

func (Resize) Kind() string  { return "resize" }
func (Rebuild) Kind() string { return "rebuild" }
func (Index) Kind() string   { return "index" }
func (Notify) Kind() string  { return "notify" }
func (Report) Kind() string  { return "report" }

func (SendCode) Kind() string { return "send-code" }
func (ChargeCard) Kind() string { return "charge-card" }

// Those of steps.
type (
	Purchase struct{ Cents int }
	Payment  struct{ ID string }
	Answer   struct{ OK bool }
	Message  struct{ Tool, Text string }
)

func (Purchase) Kind() string { return "purchase" }

var (
	job     *drayhorse.Job[Purchase]
	talk    []Message
	undo    []func() error
	errGone error
)

func handle(ctx context.Context, job *drayhorse.Job[Purchase]) error { return nil }

func pay(ctx context.Context, key string, cents int) (Payment, error) { return Payment{}, nil }

func model(ctx context.Context, talk []Message) (Message, error) { return Message{}, nil }

func call(ctx context.Context, said Message) (string, error) { return "", nil }

func take(ctx context.Context, job *drayhorse.Job[Purchase], undo *[]func() error) (string, error) { return "", nil }

func requireLogin(next http.Handler) http.Handler { return next }

func sessionOf(r *http.Request) (name, team string) { return "", "" }

func newWorker(url string, send func(Reminder) error) (*worker.Worker, error) { return nil, nil }

func sendWelcome(ctx context.Context, job *drayhorse.Job[Welcome]) error { return nil }
`

// held are pages whose code other tests hold to what it says.
var held = map[string]bool{"docs/from-asynq.md": true}

// TestGoCodeCompiles: every block of Go in every page, be it a file, declarations or
// statements, means something to the compiler.
func TestGoCodeCompiles(t *testing.T) {
	t.Parallel()
	exports := exportData(t)
	for _, page := range pages(t) {
		for _, b := range blocks(t, page) {
			if b.lang != "go" || held[page] || strings.HasSuffix(b.about, "_test.go") {
				continue // files of tests are compiled with what they test
			}
			if err := compile(&b, exports); err != nil {
				t.Errorf("%s:%d: %v", page, b.line, err)
			}
		}
	}
}

// exportData says where the compiled packages are.
func exportData(t *testing.T) map[string]string {
	t.Helper()
	args := append([]string{"list", "-export", "-deps", "-f", "{{if .Export}}{{.ImportPath}}={{.Export}}{{end}}"}, packages...)
	cmd := exec.Command("go", args...)
	cmd.Dir, cmd.Env, cmd.Stderr = root, append(os.Environ(), "CGO_ENABLED=0"), t.Output()
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	exports := map[string]string{}
	for line := range strings.Lines(string(out)) {
		if name, file, ok := strings.Cut(strings.TrimSpace(line), "="); ok {
			exports[name] = file
		}
	}
	return exports
}

// compile checks a block. What is declared and not used is fine in a page.
func compile(b *block, exports map[string]string) error {
	fset := token.NewFileSet()
	files, err := parse(fset, b.text)
	if err != nil {
		return err
	}
	var wrong []error
	config := types.Config{
		Importer: importer.ForCompiler(fset, "gc", func(name string) (io.ReadCloser, error) { return os.Open(exports[name]) }),
		Error: func(err error) {
			if e, ok := errors.AsType[types.Error](err); ok && !e.Soft {
				wrong = append(wrong, e)
			}
		},
	}
	_, _ = config.Check("page", fset, files, nil) // what it returns was given to Error
	return errors.Join(wrong...)
}

// parse parses a block: a file as it is, declarations and statements with what they take
// for granted.
func parse(fset *token.FileSet, text string) ([]*ast.File, error) {
	if strings.HasPrefix(text, "package ") {
		file, err := parser.ParseFile(fset, "block", text, 0)
		return []*ast.File{file}, err
	}
	head := "package page; import (\"" + strings.Join(packages, "\";\"") + "\"); "
	file, err := parser.ParseFile(fset, "block", head+text, 0)
	if err != nil {
		file, err = parser.ParseFile(fset, "block", head+"func _() error {"+text+"\nreturn nil }", 0)
	}
	if err != nil {
		return nil, err
	}
	granted, err := parser.ParseFile(fset, "prelude", "package page; import (\""+strings.Join(packages, "\";\"")+"\")\n"+prelude, 0)
	if err != nil {
		return nil, err
	}
	declared := map[string]bool{}
	for _, d := range file.Decls {
		for _, name := range names(d) {
			declared[name] = true
		}
	}
	kept := granted.Decls[:0]
	for _, d := range granted.Decls {
		if of := names(d); len(of) != 1 || !declared[of[0]] {
			kept = append(kept, d)
		}
	}
	granted.Decls = kept
	return []*ast.File{file, granted}, nil
}

// names are those that a declaration declares; a method is one of its type.
func names(d ast.Decl) []string {
	switch d := d.(type) {
	case *ast.FuncDecl:
		if d.Recv != nil {
			if of, ok := d.Recv.List[0].Type.(*ast.Ident); ok {
				return []string{of.Name}
			}
			return nil
		}
		return []string{d.Name.Name}
	case *ast.GenDecl:
		var all []string
		for _, s := range d.Specs {
			if s, ok := s.(*ast.TypeSpec); ok {
				all = append(all, s.Name.Name)
			}
		}
		return all
	}
	return nil
}

// TestWrongCodeIsFound: the test above would see it.
func TestWrongCodeIsFound(t *testing.T) {
	t.Parallel()
	exports := exportData(t)
	for text, found := range map[string]string{
		"info, err = p.Enqueue(ctx, Welcome{UserID: 42})\n":                                                                "",
		"func f() time.Duration { return time.Second }\n":                                                                  "",
		"type Welcome struct{ Name string }\nfunc (Welcome) Kind() string { return \"\" }\nvar x = Welcome{Name: \"x\"}\n": "",
		"unused := 1\n":                               "",
		"p.Enqueu(ctx, Welcome{})\n":                  "Enqueu",
		"w := worker.New()\n":                         "not enough arguments",
		"return drayhorse.Snooze(\"1h\")\n":           "cannot use",
		"package main\n\nfunc main() { nothing() }\n": "undefined: nothing",
		"if {\n": "missing condition",
	} {
		err := compile(&block{text: text}, exports)
		if found == "" && err != nil || found != "" && (err == nil || !strings.Contains(err.Error(), found)) {
			t.Errorf("%q: %v, want %q", text, err, found)
		}
	}
}
