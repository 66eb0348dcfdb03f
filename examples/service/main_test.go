package main

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/drayhorse/drayhorse"
	"github.com/drayhorse/drayhorse/drayhorsetest"
	"github.com/drayhorse/drayhorse/examples/email"
)

// TestSignupSendsOneMail posts the form twice and looks what is enqueued.
func TestSignupSendsOneMail(t *testing.T) {
	t.Parallel()
	env := drayhorsetest.New(t)
	handler := routes(env.Producer)
	post := func(form url.Values) int {
		request := httptest.NewRequest(http.MethodPost, "/signup", strings.NewReader(form.Encode()))
		request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		answer := httptest.NewRecorder()
		handler.ServeHTTP(answer, request)
		return answer.Code
	}
	if code := post(url.Values{"user": {"nobody"}}); code != http.StatusBadRequest {
		t.Errorf("a user that is no number: %d", code)
	}
	drayhorsetest.RequireNone[email.Welcome](t, env)
	for range 2 {
		if code := post(url.Values{"user": {"42"}}); code != http.StatusOK {
			t.Errorf("sign-up: %d", code)
		}
	}
	drayhorsetest.RequireEnqueued(t, env, email.Welcome{UserID: 42}, drayhorse.Queue("mail"))
}
