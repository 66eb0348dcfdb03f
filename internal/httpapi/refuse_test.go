package httpapi_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/drayhorse/drayhorse/internal/jobjson"
)

// all gives how many jobs there are that have not ended, in all queues.
func (d *door) all() (n int) {
	d.t.Helper()
	queues, err := d.queues.Queues(d.t.Context())
	if err != nil {
		d.t.Fatal(err)
	}
	for _, q := range queues {
		n += q.Scheduled + q.Available + q.Running + q.Retryable
	}
	return n
}

// refusals are bodies that are no jobs.
var refusals = []struct {
	name, body string
	code       int
	field      string
}{
	{"nothing", ``, 422, ""},
	{"no object", `[1]`, 422, ""},
	{"a broken object", `{"kind":"k"`, 422, ""},
	{"a broken value", `{"kind":"k","args":tru}`, 422, "args"},
	{"two objects", `{"kind":"k"}{"kind":"k"}`, 422, ""},
	{"no kind", `{"args":1}`, 422, "kind"},
	{"an empty kind", `{"kind":""}`, 422, "kind"},
	{"an impossible kind", `{"kind":"a b"}`, 422, "kind"},
	{"a kind of another type", `{"kind":5}`, 422, "kind"},
	{"a null kind", `{"kind":null}`, 422, "kind"},
	{"a queue of another type", `{"kind":"k","queue":["q"]}`, 422, "queue"},
	{"an impossible queue", `{"kind":"k","queue":"a/b"}`, 422, "queue"},
	{"an impossible id", `{"kind":"k","id":"a b"}`, 422, "id"},
	{"an id that is too long", `{"kind":"k","id":"` + strings.Repeat("x", 129) + `"}`, 422, "id"},
	{"in that is a number", `{"kind":"k","in":5}`, 422, "in"},
	{"in that is negative", `{"kind":"k","in":"-5s"}`, 422, "in"},
	{"in and at", `{"kind":"k","in":"5s","at":"2030-01-02T15:04:05Z"}`, 422, "at"},
	{"at that is no time", `{"kind":"k","at":"tomorrow"}`, 422, "at"},
	{"no attempts", `{"kind":"k","max_attempts":0}`, 422, "max_attempts"},
	{"half an attempt", `{"kind":"k","max_attempts":1.5}`, 422, "max_attempts"},
	{"more attempts than can be counted", `{"kind":"k","max_attempts":99999999999999999999}`, 422, "max_attempts"},
	{"attempts that overflow a double", `{"kind":"k","max_attempts":1e999}`, 422, "max_attempts"},
	{"a timeout of nothing", `{"kind":"k","timeout":"0s"}`, 422, "timeout"},
	{"a retention that is too long", `{"kind":"k","retain":"900000h"}`, 422, "retain"},
	{"an unknown field", `{"kind":"k","knd":1}`, 422, "knd"},
	{"a field of another case", `{"Kind":"k"}`, 422, "Kind"},
	{"a field twice", `{"kind":"k","kind":"k"}`, 422, "kind"},
	{"a field twice in other letters", `{"kind":"k","k\u0069nd":"k"}`, 422, "kind"},
	{"an argument twice", `{"kind":"k","args":{"user":[0,{"id":1,"id":2}]}}`, 422, "args.user.1.id"},
	{"an argument that overflows a double", `{"kind":"k","args":{"n":-1e400}}`, 422, "args.n"},
	{"bytes that are not UTF-8 in args", "{\"kind\":\"k\",\"args\":{\"s\":\"\xff\"}}", 422, "args"},
	{"bytes that are not UTF-8 in a field", "{\"kind\":\"k\xff\"}", 422, "kind"},
	{"arguments that are too large", `{"kind":"k","args":"` + strings.Repeat("x", 1<<20) + `"}`, 413, "args"},
	{"arguments that are too deep", `{"kind":"k","args":` + strings.Repeat("[", 20_000) + strings.Repeat("]", 20_000) + `}`, 422, "args"},
}

func TestWhatIsNoJobIsRefused(t *testing.T) {
	t.Parallel()
	d := setup(t)
	for _, c := range refusals {
		a := d.post(c.body)
		if p := a.problem(t); a.code != c.code || p.Field != c.field || p.Detail == "" || !strings.HasPrefix(p.Type, "https://") {
			t.Errorf("%s: %d %.300s; want %d with field %q", c.name, a.code, a.body, c.code, c.field)
		}
	}
	if n := d.all(); n != 0 {
		t.Errorf("%d jobs were stored; want none", n)
	}
}

func TestWhatIsNoRequestIsRefused(t *testing.T) {
	t.Parallel()
	d := setup(t)
	const good = `{"kind":"k"}`
	for _, c := range []struct {
		name, method, path, body string
		headers                  []string
		code                     int
		field                    string
	}{
		{"a body that is too long", "POST", "/v1/jobs", strings.Repeat(" ", jobjson.MaxLine+1), nil, 413, ""},
		{"no type", "POST", "/v1/jobs", good, []string{"Content-Type: "}, 415, "Content-Type"},
		{"the type of forms", "POST", "/v1/jobs", good, []string{"Content-Type: application/x-www-form-urlencoded"}, 415, "Content-Type"},
		{"another charset", "POST", "/v1/jobs", good, []string{"Content-Type: application/json; charset=latin1"}, 415, "Content-Type"},
		{"a compressed body", "POST", "/v1/jobs", good, []string{"Content-Encoding: gzip"}, 415, "Content-Encoding"},
		{"a batch of another type", "POST", "/v1/jobs/batch", good, []string{"Content-Type: text/csv"}, 415, "Content-Type"},
		{"an impossible key", "POST", "/v1/jobs", good, []string{"Idempotency-Key: a b"}, 422, "Idempotency-Key"},
		{"an empty key", "POST", "/v1/jobs", good, []string{"Idempotency-Key: "}, 422, "Idempotency-Key"},
		{"a key without room for a line", "POST", "/v1/jobs/batch", good, []string{"Content-Type: application/x-ndjson", "Idempotency-Key: " + strings.Repeat("k", 109)}, 422, "Idempotency-Key"},
		{"results of nothing", "POST", "/v1/jobs/batch?results=none", good, []string{"Content-Type: application/x-ndjson"}, 422, "results"},
		{"an impossible id", "GET", "/v1/jobs/a%2Fb", "", nil, 422, "id"},
		{"an impossible queue", "GET", "/v1/jobs/a?queue=", "", nil, 422, "queue"},
		{"an unknown path", "GET", "/v2", "", nil, 404, ""},
		{"another method", "PUT", "/v1/jobs", good, nil, 405, ""},
		{"another method of a job", "POST", "/v1/jobs/a", good, nil, 405, ""},
		{"another host", "POST", "/v1/jobs", good, []string{"Host: example.com"}, 403, "Host"},
	} {
		r := d.request(c.method, c.path, c.body, c.headers...)
		if host := r.Header.Get("Host"); host != "" {
			r.Host = host
		}
		resp, err := d.client.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		a := read(t, resp)
		if p := a.problem(t); a.code != c.code || p.Field != c.field {
			t.Errorf("%s: %d %s; want %d with field %q", c.name, a.code, a.body, c.code, c.field)
		}
	}
	twice := d.request(http.MethodPost, "/v1/jobs", good)
	twice.Header["Idempotency-Key"] = []string{"a", "b"}
	resp, err := d.client.Do(twice)
	if err != nil {
		t.Fatal(err)
	}
	if a := read(t, resp); a.problem(t).Field != "Idempotency-Key" {
		t.Errorf("two keys: %d %s", a.code, a.body)
	}
	if got := d.do(http.MethodPut, "/v1/jobs/batch", "").header.Get("Allow"); got != "DELETE, GET, HEAD, POST" {
		t.Errorf("Allow is %q", got)
	}
	if n := d.all(); n != 0 {
		t.Errorf("%d jobs were stored; want none", n)
	}
}
