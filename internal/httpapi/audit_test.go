package httpapi_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/drayhorse/drayhorse/internal/httpapi"
)

func TestChangesAndRefusalsAreAudited(t *testing.T) {
	t.Parallel()
	log, logged := newLog()
	registry := prometheus.NewRegistry()
	d := two(t, `enqueue: [mail]`, func(c *httpapi.Config) { c.Logger, c.Registerer = log, registry }).as("greedy")
	d.post(`{"kind":"k","queue":"mail","id":"a","args":"SECRET"}`, "X-Forwarded-For: 10.1.2.3, 192.0.2.7")
	d.post(`{"kind":"k","queue":"mail","id":"a","args":"SECRET"}`)
	d.post(`{"kind":"k","queue":"other","id":"b","args":"SECRET"}`)
	d.batch("{\"kind\":\"k\",\"queue\":\"mail\",\"id\":\"c\"}\n{\"kind\":\"SECRET")
	d.do(http.MethodDelete, "/v1/jobs/a?queue=mail", "")
	d.do(http.MethodGet, "/v1/jobs/a%1B%5B2J?queue=mail", "")
	d.as("honest").do(http.MethodGet, "/v1/jobs/a?queue=mail", "") // is no change
	d.as("stranger").post(`{"kind":"k"}`)
	lines := strings.Split(strings.TrimSpace(logged()), "\n")
	var audit []string
	for _, line := range lines {
		if strings.Contains(line, "msg=audit") {
			audit = append(audit, line)
		}
	}
	for i, want := range []string{
		"level=INFO token=greedy peer=127.0.0.1: action=enqueue outcome=stored client=192.0.2.7 queue=mail kind=k job_id=a",
		"level=INFO token=greedy action=enqueue outcome=duplicate queue=mail kind=k job_id=a",
		"level=WARN token=greedy action=enqueue outcome=forbidden queue=other kind=k job_id=b",
		"level=INFO token=greedy action=enqueue outcome=stored queue=mail kind=k job_id=c line=1",
		"level=WARN token=greedy action=enqueue outcome=invalid line=2",
		"level=WARN token=greedy action=cancel outcome=forbidden queue=mail job_id=a",
		"level=WARN token=greedy action=read outcome=invalid",
		`level=WARN token="" action=enqueue outcome=unauthorized`,
	} {
		if i >= len(audit) {
			t.Fatalf("%d lines; want another: %s", len(audit), want)
		}
		for _, part := range strings.Fields(want) {
			if !strings.Contains(audit[i], part) {
				t.Errorf("no %s in %s", part, audit[i])
			}
		}
	}
	if strings.Contains(logged(), "SECRET") || strings.ContainsRune(logged(), '\x1b') || len(audit) != 8 {
		t.Errorf("%d lines; want 8 without arguments and escapes:\n%s", len(audit), logged())
	}
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		if n := len(f.GetMetric()); f.GetName() == "drayhorse_http_actions_total" && n != 7 {
			t.Errorf("%d series; want 7", n)
		}
	}
}

func TestRefusalsDoNotFillTheLog(t *testing.T) {
	t.Parallel()
	log, logged := newLog()
	d := setup(t, func(c *httpapi.Config) { c.Logger = log })
	d.batch(strings.Repeat("bad\n", 5000))
	if n := strings.Count(logged(), "outcome=invalid"); n < 50 || n > 1000 {
		t.Errorf("%d lines for 5,000 refusals", n)
	}
	d.eventually("the log says how many it left out", func() bool { d.post(`bad`); return strings.Contains(logged(), "untold=") })
}
