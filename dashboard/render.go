package dashboard

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"fmt"
	"html/template"
	"io"
	"net/http"
	"net/url"
	"path"
	"strings"
	"time"

	"github.com/drayhorse/drayhorse"
	"github.com/drayhorse/drayhorse/internal/access"
	"github.com/drayhorse/drayhorse/internal/figures"
	"github.com/drayhorse/drayhorse/internal/printable"
)

//go:embed templates static
var files embed.FS

// pages are the templates by name.
type pages map[string]*template.Template

func parsePages() (pages, error) {
	layout, err := template.New("layout.html").Funcs(functions).ParseFS(files, "templates/layout.html", "templates/parts.html")
	if err != nil {
		return nil, fmt.Errorf("parse templates: %w", err)
	}
	names, err := files.ReadDir("templates")
	if err != nil {
		return nil, err
	}
	all := pages{}
	for _, f := range names {
		name := strings.TrimSuffix(f.Name(), ".html")
		if name == "layout" || name == "parts" {
			continue
		}
		page, err := layout.Clone()
		if err == nil {
			_, err = page.ParseFS(files, "templates/"+f.Name())
		}
		if err != nil {
			return nil, fmt.Errorf("parse templates: %w", err)
		}
		all[name] = page
	}
	return all, nil
}

// functions are what templates call.
var functions = template.FuncMap{
	"count": figures.Count[int], "count64": figures.Count[int64], "brief": figures.Brief, "size": figures.Size, "rough": figures.Rough, "rate": figures.Rate,
	"plural": figures.Plural[int], "link": link, "lower": strings.ToLower, "text": printable.Text,
	"size64": func(n int) string { return figures.Size(int64(n)) }, "dict": dict,
	"wireKinds": func() map[string]string { return wireKinds },
	"boxWidth":  func() int { return boxWidth },
	"boxHeight": func() int { return boxHeight },
	"pageSizes": func() []int { return []int{20, jobsShown, 100, mostJobs} },
	"state":     func(s drayhorse.State) string { return string(s) },
	"asset":     func(name string) string { return "static/" + name + "?v=" + assets[name].version },
}

// dict makes the argument of a part of a page, of names and values in turn.
func dict(pairs ...any) map[string]any {
	m := map[string]any{}
	for i := 0; i+1 < len(pairs); i += 2 {
		m[pairs[i].(string)] = pairs[i+1]
	}
	return m
}

// link makes a relative address of a page and its parameters, names and values in turn;
// those without a value are left out.
func link(page string, params ...string) string {
	values := url.Values{}
	for i := 0; i+1 < len(params); i += 2 {
		if params[i+1] != "" {
			values.Set(params[i], params[i+1])
		}
	}
	if len(values) == 0 {
		return page
	}
	return page + "?" + values.Encode()
}

// frame is what surrounds every page.
type frame struct {
	Title, Section  string
	Namespace, Addr string
	MayChange       bool // single jobs, queues and schedules
	MayDelete       bool
	Sees            sees
	User            *access.User // nil: nobody who is known
	LogsOut         bool         // there is a login to leave
	Done            string       // what was done just now
	Now             string
	Self            string // the page's own address
	Page            any
}

// sees are the pages, and parts of them, that a user has links to.
type sees struct{ Pages, Actions, Flows, Redis, Audit, Reveal bool }

func (q *request) seesAll() bool { return q.user != nil && q.user.SeesAll() }

// namespace and addr are for those who are known.
func (q *request) namespace() string {
	if q.user == nil {
		return ""
	}
	return q.d.admin.Namespace()
}

func (q *request) addr() string {
	if q.user == nil {
		return ""
	}
	return q.d.admin.Addr()
}

// show answers with a page.
func (q *request) show(page, title string, content any) error {
	return q.showAs(http.StatusOK, page, title, content)
}

func (q *request) showAs(status int, page, title string, content any) error {
	var out bytes.Buffer
	err := q.d.pages[page].Execute(&out, frame{
		Title: title, Section: sections[page], Namespace: q.namespace(), Addr: q.addr(),
		MayChange: q.may(access.Steer), MayDelete: q.may(access.Delete), User: q.user, LogsOut: q.token != "",
		Sees: sees{
			Pages: q.user != nil, Actions: q.may(access.Read), Flows: q.may(access.See) && q.seesAll(), Redis: q.may(access.Read) && q.seesAll(), Audit: q.may(access.Audit) && q.seesAll(),
			Reveal: q.may(access.Reveal),
		},
		Done: doneText(q.value("done")), Now: time.Now().UTC().Format("15:04:05 UTC"),
		Self: q.self(), Page: content,
	})
	if err != nil {
		return fmt.Errorf("page %s: %w", page, err)
	}
	q.w.Header().Set("Content-Type", "text/html; charset=utf-8")
	q.w.WriteHeader(status)
	_, err = io.WriteString(q.w, printable.Lines(out.String()))
	return err
}

// self is the relative address of the page that is shown, without what was done before.
func (q *request) self() string {
	values := url.Values{}
	for name, all := range q.values {
		if name != "done" {
			values[name] = all
		}
	}
	name := path.Base(q.r.URL.Path)
	if strings.HasSuffix(q.r.URL.Path, "/") || q.r.URL.Path == "" {
		name = "./"
	}
	if len(values) == 0 || q.r.Method == http.MethodPost {
		return name
	}
	return name + "?" + values.Encode()
}

// sections are the entries of the menu that pages belong to.
var sections = map[string]string{
	"flows": "flows", "flow": "flows",
	"overview": "overview", "queues": "queues", "queue": "queues", "jobs": "jobs", "job": "jobs",
	"actions": "actions", "action": "actions", "workers": "workers", "limits": "limits", "edit-limit": "limits", "edit-job": "jobs", "schedules": "schedules", "schedule": "schedules", "edit-schedule": "schedules", "redis": "redis", "audit": "audit", "events": "events",
}

// asset is a file that pages ask for.
type asset struct {
	content       []byte
	kind, version string
}

// assets are the files of static.
var assets = func() map[string]asset {
	kinds := map[string]string{".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8", ".svg": "image/svg+xml"}
	all := map[string]asset{}
	entries, _ := files.ReadDir("static") // it is in the program
	for _, e := range entries {
		content, _ := files.ReadFile("static/" + e.Name())
		sum := sha256.Sum256(content)
		all[e.Name()] = asset{content, kinds[path.Ext(e.Name())], hex.EncodeToString(sum[:6])}
	}
	return all
}()

// serveAsset serves a file, which browsers keep for as long as pages ask for that version.
func serveAsset(q *request) error {
	a := assets[path.Base(q.r.URL.Path)]
	q.w.Header().Set("Content-Type", a.kind)
	if q.value("v") == a.version {
		q.w.Header().Set("Cache-Control", "private, max-age=31536000, immutable")
	}
	_, err := q.w.Write(a.content)
	return err
}
