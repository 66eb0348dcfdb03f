package httpapi_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/drayhorse/drayhorse"
)

func TestOneJob(t *testing.T) {
	t.Parallel()
	d := setup(t)
	first := d.post(`{"kind":"k","args":{"n":9007199254740993,"s":"é"},"queue":"mail","in":"5m","id":"a@1","max_attempts":3,"timeout":"5s","retain":"1h","priority":"low","group":"tenant-42"}`)
	info := first.info(t)
	if first.code != http.StatusCreated || info.ID != "a@1" || info.Queue != "mail" || info.State != drayhorse.Scheduled || info.MaxAttempts != 3 || info.Priority != drayhorse.Low || info.Group != "tenant-42" ||
		string(info.Args) != `{"n":9007199254740993,"s":"é"}` || info.Duplicate {
		t.Errorf("%d %s", first.code, first.body)
	}
	seen := d.do(http.MethodGet, first.header.Get("Location"), "")
	if seen.code != http.StatusOK || seen.info(t).ID != "a@1" {
		t.Errorf("%d %s", seen.code, seen.body)
	}
	again := d.post(`{"kind":"k","queue":"mail","id":"a@1"}`)
	if again.code != http.StatusOK || !again.info(t).Duplicate || strings.Replace(again.body, `"duplicate":true,`, "", 1) != seen.body {
		t.Errorf("%d %s; want %s", again.code, again.body, seen.body)
	}
	if gone := d.do(http.MethodDelete, "/v1/jobs/a@1", ""); gone.code != http.StatusAccepted || gone.body != "" {
		t.Errorf("%d %s", gone.code, gone.body)
	}
	if now := d.do(http.MethodGet, "/v1/jobs/a@1?queue=mail", ""); now.info(t).State != drayhorse.Cancelled {
		t.Errorf("%d %s", now.code, now.body)
	}
	for _, path := range []string{"/v1/jobs/b", "/v1/jobs/a@1?queue=other", "/v1/jobs/batch"} {
		if a := d.do(http.MethodGet, path, ""); a.code != http.StatusNotFound || a.problem(t).Field != "id" {
			t.Errorf("%s: %d %s", path, a.code, a.body)
		}
	}
	if a := d.do(http.MethodDelete, "/v1/jobs/a@1", ""); a.code != http.StatusNotFound {
		t.Errorf("cancelled twice: %d %s", a.code, a.body)
	}
}
