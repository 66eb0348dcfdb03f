package httpapi_test

import (
	"errors"
	"net/http"
	"os"
	"strings"
	"testing"

	"github.com/drayhorse/drayhorse"
	"github.com/drayhorse/drayhorse/internal/httpapi"
)

func TestTokensDoWhatTheirScopesSay(t *testing.T) {
	t.Parallel()
	roles := map[string]string{
		"shop":   "enqueue: [mail]",
		"viewer": `read: ["*"]`,
		"keeper": "read: [mail], cancel: [mail, other]",
		"boss":   `enqueue: ["*"], read: ["*"], cancel: ["*"]`,
		"nobody": "enqueue: []",
	}
	file := "tokens:\n"
	for role, scopes := range roles {
		file += entry(role, role+"-secret", scopes)
	}
	_, asked := tokens(t, file)
	d := setup(t, asked)
	d.token = "boss-secret"
	for _, queue := range []string{"mail", "secret"} {
		if a := d.post(`{"kind":"k","id":"x","queue":"` + queue + `"}`); a.code != http.StatusCreated {
			t.Fatalf("boss: %d %s", a.code, a.body)
		}
	}
	d.post(`{"kind":"k","id":"hidden","queue":"secret"}`)
	for _, c := range []struct {
		role, method, path, body string
		code                     int
		field                    string // of the problem
	}{
		{"shop", "POST", "/v1/jobs", `{"kind":"k","id":"x","queue":"mail"}`, 200, ""},
		{"shop", "POST", "/v1/jobs", `{"kind":"k","queue":"secret"}`, 403, "queue"},
		{"shop", "POST", "/v1/jobs", `{"kind":"k"}`, 403, "queue"}, // the queue default
		{"shop", "GET", "/v1/jobs/x", "", 403, ""},
		{"shop", "GET", "/v1/jobs/x?queue=mail", "", 403, "queue"},
		{"shop", "DELETE", "/v1/jobs/x", "", 403, ""},
		{"viewer", "GET", "/v1/jobs/hidden", "", 200, ""},
		{"viewer", "POST", "/v1/jobs", `{"kind":"k","queue":"mail"}`, 403, "queue"},
		{"viewer", "DELETE", "/v1/jobs/x?queue=mail", "", 403, "queue"},
		{"keeper", "GET", "/v1/jobs/x", "", 200, ""},
		{"keeper", "GET", "/v1/jobs/x?queue=secret", "", 403, "queue"},
		{"keeper", "GET", "/v1/jobs/hidden", "", 404, "id"},
		{"keeper", "DELETE", "/v1/jobs/hidden", "", 404, "id"},
		{"keeper", "DELETE", "/v1/jobs/x?queue=secret", "", 403, "queue"},
		{"keeper", "POST", "/v1/jobs", `{"kind":"k","queue":"mail"}`, 403, "queue"},
		{"nobody", "POST", "/v1/jobs", `{"kind":"k"}`, 403, "queue"},
		{"nobody", "GET", "/v1/jobs/x", "", 403, ""},
		{"nobody", "DELETE", "/v1/jobs/x", "", 403, ""},
		{"nobody", "GET", "/openapi.yaml", "", 200, ""},
		{"unknown", "POST", "/v1/jobs", `{"kind":"k"}`, 401, "Authorization"},
		{"", "POST", "/v1/jobs", `{"kind":"k"}`, 401, "Authorization"},
		{"", "GET", "/v1/jobs/x", "", 401, "Authorization"},
		{"", "DELETE", "/v1/jobs/x", "", 401, "Authorization"},
	} {
		if d.token = ""; c.role != "" {
			d.token = c.role + "-secret"
		}
		a := d.do(c.method, c.path, c.body)
		field := ""
		if a.code >= 400 {
			field = a.problem(t).Field
		}
		if a.code != c.code || field != c.field {
			t.Errorf("%s, %s %s %s: %d %s; want %d with field %q", c.role, c.method, c.path, c.body, a.code, a.body, c.code, c.field)
		}
	}
	d.token = "shop-secret"
	if a := d.post(`{"kind":"k","id":"x","queue":"mail"}`); a.body != `{"id":"x","queue":"mail","duplicate":true}`+"\n" {
		t.Errorf("who may not read learns %s", a.body)
	}
	got := d.batch("{\"kind\":\"k\",\"queue\":\"mail\"}\n{\"kind\":\"k\",\"queue\":\"secret\"}\n").results(t)
	if len(got) != 2 || got[0].Status != 201 || got[1].Status != 403 || got[1].Problem.Field != "queue" {
		t.Errorf("batch: %v", got)
	}
	if mail, secret := d.jobsIn("mail"), d.jobsIn("secret"); mail != 2 || secret != 2 {
		t.Errorf("%d and %d jobs; want 2 and 2", mail, secret)
	}
	d.token = "keeper-secret"
	if a := d.do(http.MethodDelete, "/v1/jobs/x", ""); a.code != http.StatusAccepted || d.jobsIn("mail") != 1 || d.jobsIn("secret") != 2 {
		t.Errorf("keeper cancels: %d %s", a.code, a.body)
	}
}

func TestTheTokenFileIsReadAgain(t *testing.T) {
	t.Parallel()
	const scopes = `enqueue: ["*"]`
	path, asked := tokens(t, "tokens:\n"+entry("old", "old", scopes))
	log, logged := newLog()
	d := setup(t, func(c *httpapi.Config) { c.Logger = log }, asked)
	knows := func(token string) bool {
		d.token = token
		return d.post(`{"kind":"k"}`).code == http.StatusCreated
	}
	if !knows("old") || knows("new") {
		t.Fatal("the first file does not count")
	}
	write(t, path+".new", "tokens:\n"+entry("new", "new", scopes))
	if err := os.Rename(path+".new", path); err != nil {
		t.Fatal(err)
	}
	d.eventually("a file that was renamed counts", func() bool { return knows("new") })
	if knows("old") {
		t.Error("a token that was removed still counts")
	}
	for _, broken := range []string{"", "tokens: [", "tokens: []\n", "tokens:\n" + entry("a", "a", "enqeue: []"), "tokens:\n  - {name: a}\n"} {
		before := strings.Count(logged(), "token file is broken")
		write(t, path, broken)
		d.eventually("it is logged", func() bool { return strings.Count(logged(), "token file is broken") == before+1 })
		if !knows("new") {
			t.Errorf("%q: the tokens of before do not stay", broken)
		}
	}
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	d.eventually("that it is gone is logged", func() bool { return strings.Contains(logged(), "no such file") })
	write(t, path, "tokens:\n"+entry("last", "last", scopes))
	d.eventually("a file that was mended counts", func() bool { return knows("last") })
}

func TestTokenFilesThatAreRefused(t *testing.T) {
	t.Parallel()
	hash := httpapi.HashOf("x").String()
	for _, c := range []struct{ content, want string }{
		{"", "it has no tokens"},
		{"tokens: 5", `:1: tokens "5"; want a list`},
		{"tokens:\n  - {name: a, sha256: \"" + hash + "\", scopes: [a]}", `:2: key "tokens[0].scopes" is not known`},
		{"tokens:\n  - {sha256: \"" + hash + "\"}", "no name"},
		{"tokens:\n  - {name: a}", `token "a" has no sha256`},
		{"tokens:\n  - {name: a, sha256: \"" + hash[1:] + "\"}", "63 characters; want 64"},
		{"tokens:\n  - {name: a, sha256: \"" + "x" + hash[1:] + "\"}", "want 64 hexadecimal digits"},
		{"tokens:\n  - {name: a, sha256: \"" + hash + "\", read: [\"a b\"]}", `token "a": invalid queue name: "a b"`},
		{"tokens:\n  - {name: a, sha256: \"" + hash + "\", rate: -1}", "rate -1; want 0 to 1e+09"},
		{"tokens:\n  - {name: a, sha256: \"" + hash + "\", rate: .nan}", `rate ".nan"; want a number`},
		{"tokens:\n  - {name: a, sha256: \"" + hash + "\", read_rate: -1}", "read_rate -1; want 0"},
		{"tokens:\n  - {name: a, sha256: \"" + hash + "\", enqueue: [mail/]}", `kind ""`},
		{"tokens:\n  - {name: a, sha256: \"" + hash + "\", work: [a/b/c]}", `kind "b/c"`},
		{"tokens:\n  - {name: a, sha256: \"" + hash + "\", max_batches: -1}", "max_batches -1"},
		{"tokens:\n  - {name: a, sha256: \"" + hash + "\", max_timeout: 0s}", "max_timeout 0s; want a duration"},
		{"tokens:\n  - {name: a, sha256: \"" + hash + "\", max_timeout: 5}", `max_timeout "5"; want a duration`},
		{"tokens:\n  - {name: \"a\\u001b[2J\", sha256: \"" + hash + "\"}", "printable"},
		{"tokens: " + strings.Repeat("[", 100_000), "tokens.yaml"},
		{"tokens: " + strings.Repeat(`[ "]",`, 1000), "tokens.yaml"},
		{"tokens: " + strings.Repeat("{a: ", 25_000), "tokens.yaml"},
		{"tokens:\n" + strings.Repeat("- ", 50_000), "tokens.yaml"},
		{"tokens: " + strings.Repeat("!a ", 30_000), "tokens.yaml"},
		{"a: &a [" + strings.Repeat("q,", 40_000) + "q]\ntokens: [" + strings.Repeat("*a,", 40_000) + "*a]", "tokens.yaml"},
		{"tokens:\n  - {name: a, sha256: \"" + hash + "\"}\n  - {name: a, sha256: \"" + httpapi.HashOf("y").String() + "\"}", `token "a" comes twice`},
		{"tokens:\n  - {name: a, sha256: \"" + hash + "\"}\n  - {name: b, sha256: \"" + hash + "\"}", `token "b" comes twice`},
	} {
		path := t.TempDir() + "/tokens.yaml"
		write(t, path, c.content)
		_, err := httpapi.OpenTokens(path, httpapi.Rates{}, nil)
		if !errors.Is(err, drayhorse.ErrInvalid) || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%q: %v; want %q", c.content, err, c.want)
		}
	}
}

func TestTokensAreLongAndDiffer(t *testing.T) {
	t.Parallel()
	if a, b := httpapi.NewToken(), httpapi.NewToken(); len(a) < 40 || a == b {
		t.Errorf("got %q and %q", a, b)
	}
}

func TestOnlyLoopbackIsServedWithoutTokens(t *testing.T) {
	t.Parallel()
	for addr, loopback := range map[string]bool{
		"127.0.0.1:0": true, "localhost:0": true, ":0": false, "0.0.0.0:0": false, "[::]:0": false, "192.0.2.1:0": false,
	} {
		listener, err := httpapi.Listen(t.Context(), httpapi.Listening{Addr: addr})
		if err == nil {
			_ = listener.Close()
		}
		if loopback != (err == nil) || !loopback && !errors.Is(err, drayhorse.ErrInvalid) {
			t.Errorf("%s: %v", addr, err)
		}
	}
	listener, err := httpapi.Listen(t.Context(), httpapi.Listening{Addr: ":0", Tokens: true, TLS: true})
	if err != nil {
		t.Fatal(err)
	}
	_ = listener.Close()
}
