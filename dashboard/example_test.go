package dashboard_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"

	"github.com/drayhorse/drayhorse/dashboard"
	"github.com/drayhorse/drayhorse/internal/embedded"
)

// The pages below a path of an application's own server, for those whom it has logged in.
func ExampleNew() {
	redis, err := embedded.Start("") // an application has a Redis
	if err != nil {
		fmt.Println(err)
		return
	}
	defer redis.Close()
	pages, err := dashboard.New(dashboard.Config{
		RedisURL: redis.URL(),
		Prefix:   "/jobs",
		Authenticate: func(r *http.Request) (dashboard.User, error) {
			name, _, ok := r.BasicAuth() // or a session of the application's
			if !ok {
				return dashboard.User{}, errors.New("nobody is logged in")
			}
			return dashboard.User{Name: name, Role: dashboard.Viewer}, nil
		},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	mux := http.NewServeMux()
	mux.Handle("/jobs/", pages)

	server := httptest.NewServer(mux)
	defer server.Close()
	for _, name := range []string{"", "ann"} {
		r, err := http.NewRequestWithContext(context.Background(), http.MethodGet, server.URL+"/jobs/queues", nil)
		if err != nil {
			fmt.Println(err)
			return
		}
		if name != "" {
			r.SetBasicAuth(name, "")
		}
		answer, err := server.Client().Do(r)
		if err != nil {
			fmt.Println(err)
			return
		}
		_ = answer.Body.Close()
		fmt.Println(answer.Status)
	}
	// Output:
	// 403 Forbidden
	// 200 OK
}

// Fields of arguments and results with such parts in their names are masked, beside those of
// Config.Mask.
func ExampleDefaultMask() {
	fmt.Println(slices.Contains(dashboard.DefaultMask(), "password"))
	// Output: true
}
