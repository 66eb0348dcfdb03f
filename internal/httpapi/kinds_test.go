package httpapi_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/drayhorse/drayhorse/internal/httpapi"
)

func TestTokensAreForKindsToo(t *testing.T) {
	t.Parallel()
	_, asked := tokens(t, "tokens:\n"+
		entry("shop", "shop", `enqueue: [mail/welcome, "*/digest"], read: [mail/welcome], cancel: ["*/digest"], work: ["mail/*"]`)+
		entry("boss", "boss", `enqueue: ["*"], read: ["*"], cancel: ["*/*"]`))
	d := setup(t, asked).as("boss")
	for _, kind := range []string{"welcome", "digest", "secret"} {
		d.post(`{"kind":"` + kind + `","queue":"mail","id":"` + kind + `"}`)
	}
	d.as("shop")
	for _, c := range []struct {
		method, path, body string
		code               int
		field              string
	}{
		{"POST", "/v1/jobs", `{"kind":"welcome","queue":"mail"}`, 201, ""},
		{"POST", "/v1/jobs", `{"kind":"digest","queue":"files"}`, 201, ""},
		{"POST", "/v1/jobs", `{"kind":"secret","queue":"mail"}`, 403, "kind"},
		{"POST", "/v1/jobs", `{"kind":"welcome","queue":"files"}`, 403, "kind"},
		{"GET", "/v1/jobs/welcome", "", 200, ""},
		{"GET", "/v1/jobs/welcome?queue=mail", "", 200, ""},
		{"GET", "/v1/jobs/secret?queue=mail", "", 404, "id"},
		{"GET", "/v1/jobs/digest", "", 404, "id"},
		{"GET", "/v1/jobs/welcome?queue=files", "", 403, "queue"},
		{"DELETE", "/v1/jobs/secret", "", 404, "id"},
		{"DELETE", "/v1/jobs/welcome?queue=mail", "", 404, "id"},
		{"DELETE", "/v1/jobs/digest", "", 202, ""},
	} {
		a := d.do(c.method, c.path, c.body)
		field := ""
		if a.code >= 400 {
			field = a.problem(t).Field
		}
		if a.code != c.code || field != c.field {
			t.Errorf("%s %s %s: %d %s; want %d with field %q", c.method, c.path, c.body, a.code, a.body, c.code, c.field)
		}
	}
	if a := d.post(`{"kind":"digest","queue":"mail","id":"secret"}`); strings.Contains(a.body, `"kind"`) {
		t.Errorf("who may not read a kind learns %s", a.body)
	}
}

func TestTheExampleOfATokenFileIsOne(t *testing.T) {
	t.Parallel()
	if _, err := httpapi.OpenTokens("../../deploy/tokens.yaml", httpapi.Rates{}, nil); err != nil {
		t.Error(err)
	}
}

func TestTokensHaveMaxima(t *testing.T) {
	t.Parallel()
	d := two(t, `enqueue: ["*"], read: ["*"], max_timeout: 10m, max_attempts: 3, max_retain: 1h, max_delay: 24h, max_size: 20`).as("greedy")
	for body, field := range map[string]string{
		`{"kind":"k","timeout":"11m"}`: "timeout", `{"kind":"k","max_attempts":4}`: "max_attempts", `{"kind":"k","retain":"2h"}`: "retain",
		`{"kind":"k","in":"25h"}`: "in", `{"kind":"k","at":"2999-01-01T00:00:00Z"}`: "at",
	} {
		if a := d.post(body); a.code != http.StatusForbidden || a.problem(t).Field != field || !strings.Contains(a.problem(t).Detail, `token "greedy" may have at most`) {
			t.Errorf("%s: %d %s; want 403 of %s", body, a.code, a.body, field)
		}
	}
	if a := d.post(`{"kind":"k","args":"` + strings.Repeat("x", 20) + `"}`); a.code != http.StatusRequestEntityTooLarge || a.problem(t).Field != "args" {
		t.Errorf("%d %s", a.code, a.body)
	}
	if got := d.batch("{\"kind\":\"k\",\"timeout\":\"1h\"}\n{\"kind\":\"k\",\"timeout\":\"10m\",\"in\":\"24h\"}").results(t); got[0].Status != 403 || got[1].Status != 201 {
		t.Errorf("%+v", got)
	}
	if a := d.post(`{"kind":"k"}`); a.code != http.StatusCreated || a.info(t).MaxAttempts != 3 {
		t.Errorf("a default becomes the limit: %d %s", a.code, a.body)
	}
}
