package httpapi_test

import (
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/drayhorse/drayhorse"
	"github.com/drayhorse/drayhorse/internal/httpapi"
)

func TestQueuesAreDeleted(t *testing.T) {
	t.Parallel()
	_, asked := tokens(t, "tokens:\n"+
		entry("shop", "shop", `enqueue: ["*"], cancel: ["*"], delete_queues: [mail]`)+
		entry("guest", "guest", `enqueue: ["*"], cancel: ["*"]`))
	d := setup(t, asked).as("shop")
	for _, queue := range []string{"mail", "files"} {
		if a := d.post(`{"kind":"k","id":"one","queue":"` + queue + `"}`); a.code != http.StatusCreated {
			t.Fatalf("%d %s", a.code, a.body)
		}
	}
	for _, c := range []struct {
		token, path string
		code        int
		want        string // in the answer
	}{
		{"guest", "mail", http.StatusForbidden, `"field":"name"`},
		{"shop", "files?force=true", http.StatusForbidden, `may not delete queue`},
		{"shop", "a%2Fb", http.StatusUnprocessableEntity, `"field":"name"`},
		{"shop", "mail?force=yes", http.StatusUnprocessableEntity, `want true or false`},
		{"shop", "mail?forced=true", http.StatusUnprocessableEntity, `"field":"forced"`},
		{"shop", "mail", http.StatusConflict, `queue mail has 1 live jobs`},
		{"shop", "mail?force=true", http.StatusOK, `{"queue":"mail","jobs":1}`},
		{"shop", "mail?force=false", http.StatusNotFound, `there is no queue`},
	} {
		if a := d.as(c.token).do("DELETE", "/v1/queues/"+c.path, ""); a.code != c.code || !strings.Contains(a.body, c.want) {
			t.Errorf("%s deletes %s: %d %s; want %d and %s", c.token, c.path, a.code, a.body, c.code, c.want)
		}
	}
	if a := d.do("GET", "/v1/queues/mail", ""); a.code != http.StatusMethodNotAllowed || a.header.Get("Allow") != "DELETE" {
		t.Errorf("GET: %d, Allow %q", a.code, a.header.Get("Allow"))
	}
	if _, err := d.queues.Queue(t.Context(), "mail"); !errors.Is(err, drayhorse.ErrNotFound) {
		t.Errorf("queue mail: %v", err)
	}
	if q, err := d.queues.Queue(t.Context(), "files"); err != nil || q.Available != 1 {
		t.Errorf("queue files: %+v, %v", q, err)
	}
	if a := d.as("shop").post(`{"kind":"k","id":"one","queue":"mail"}`); a.code != http.StatusCreated {
		t.Errorf("anew: %d %s", a.code, a.body)
	}
}

func TestADeleteNamesQueuesThatThereCanBe(t *testing.T) {
	t.Parallel()
	path, _ := tokens(t, "tokens:\n"+entry("shop", "shop", `delete_queues: [mail/welcome]`))
	if _, err := httpapi.OpenTokens(path, httpapi.Rates{}, nil); err == nil || !strings.Contains(err.Error(), "delete_queues") || !strings.Contains(err.Error(), "or * for all") {
		t.Errorf("%v; want what delete_queues may say", err)
	}
}
