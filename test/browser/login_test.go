package browser

import (
	"errors"
	"fmt"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"

	"github.com/drayhorse/drayhorse"
	"github.com/drayhorse/drayhorse/admin"
	"github.com/drayhorse/drayhorse/dashboard"
	"github.com/drayhorse/drayhorse/internal/password"
	"github.com/drayhorse/drayhorse/internal/redistest"
	"github.com/drayhorse/drayhorse/producer"
)

// newGuarded is a dashboard with a login and a job whose arguments have a secret, which browsers
// know by a name of the network, over plain http: they send no Sec-Fetch-Site then.
func newGuarded(t *testing.T) *stage {
	t.Helper()
	s := &stage{T: t, name: "jobs.test"}
	url, namespace := redistest.Shared(t), redistest.Namespace(t)
	var err error
	if s.admin, err = admin.New(admin.Config{RedisURL: url, Namespace: namespace}); err != nil {
		t.Fatal(err)
	}
	if s.jobs, err = producer.New(producer.Config{RedisURL: url, Namespace: namespace}); err != nil {
		t.Fatal(err)
	}
	hash, err := password.New("correct horse battery")
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "users.yaml")
	if err := os.WriteFile(file, fmt.Appendf(nil, "users: [{name: ann, role: admin, scope: ['*'], password: '%s'}]\n", hash), 0o600); err != nil {
		t.Fatal(err)
	}
	handler, err := dashboard.New(dashboard.Config{Admin: s.admin, RedisURL: url, UserFile: file, Hosts: []string{s.name}})
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(handler)
	s.base = strings.Replace(server.URL, "127.0.0.1", s.name, 1) + "/"
	t.Cleanup(func() {
		server.Close()
		_ = errors.Join(handler.(interface{ Close() error }).Close(), s.jobs.Close(), s.admin.Close())
	})
	if _, err := s.jobs.EnqueueRaw(t.Context(), "k", []byte(`{"password":"hunter2"}`), drayhorse.ID("a"), drayhorse.Queue("mail")); err != nil {
		t.Fatal(err)
	}
	s.open()
	return s
}

// logIn types a name and a password.
func (s *stage) logIn(password, until string) {
	s.Helper()
	s.does("log in", chromedp.SetValue(`input[name=name]`, "ann"), chromedp.SetValue(`input[name=password]`, password), chromedp.Click(`#login button`), chromedp.WaitVisible(until))
}

// TestSomebodyLogsIn in a browser: with a wrong password and the right one, sees a job and its
// secret, pauses a queue, and leaves.
func TestSomebodyLogsIn(t *testing.T) {
	s := newGuarded(t)
	s.does("come", chromedp.Navigate(s.base+"job?queue=mail&id=a"), chromedp.WaitVisible("#login"))
	s.picture("login")
	s.calm("the login")
	s.logIn("wrong horse battery", "[role=alert]")
	s.mu.Lock()
	s.wrong = nil // the browser logs the 401
	s.mu.Unlock()
	s.logIn("correct horse battery", "#l-job")
	if text := s.body(); strings.Contains(text, "hunter2") || !strings.Contains(text, "***") {
		t.Errorf("the job: %s", text)
	}
	s.does("reveal", chromedp.Click(`form[action=reveal] button`), chromedp.WaitVisible(`#l-job:not(.live)`))
	if text := s.body(); !strings.Contains(text, "hunter2") {
		t.Errorf("what is revealed: %s", text)
	}
	s.clicks("queue?queue=mail", "pause-queue", "reason", "too hot")
	if queue, err := s.admin.Queue(t.Context(), "mail"); err != nil || len(queue.Pauses) != 1 || queue.Pauses[0].By != "ann" || queue.Pauses[0].Why != "too hot" {
		t.Errorf("the queue is %+v, %v", queue, err)
	}
	s.visit("audit")
	if text := s.body(); !strings.Contains(text, "reveal") || !strings.Contains(text, "too hot") {
		t.Errorf("the audit: %s", text)
	}
	s.picture("audit")
	s.does("leave", chromedp.Click(`form[action=logout] button`), chromedp.WaitVisible("#login"))
	s.calm("all of it")
}
