package access_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/drayhorse/drayhorse"
	"github.com/drayhorse/drayhorse/internal/access"
	"github.com/drayhorse/drayhorse/internal/password"
	"github.com/drayhorse/drayhorse/internal/redistest"
)

// TestRolesAndRights: the whole table, which changes on purpose alone.
func TestRolesAndRights(t *testing.T) {
	t.Parallel()
	for right, want := range map[access.Right]string{
		access.Nobody: "", access.Anyone: "nobody viewer reader operator admin", access.Known: "viewer reader operator admin",
		access.See: "viewer reader operator admin", access.Read: "reader operator admin", access.Steer: "operator admin",
		access.Delete: "admin", access.Bulk: "admin", access.Reveal: "admin", access.Audit: "admin", access.Audit + 1: "",
	} {
		var got []string
		for _, role := range []access.Role{"nobody", "viewer", "reader", "operator", "admin"} {
			u := &access.User{Role: role}
			if u.May(right) {
				got = append(got, string(role))
			}
		}
		if strings.Join(got, " ") != want {
			t.Errorf("right %d: %v; want %s", right, got, want)
		}
		var none *access.User
		if none.May(right) != (right == access.Anyone) || (&access.User{}).May(right) != (right == access.Anyone) {
			t.Errorf("right %d is nobody's", right)
		}
	}
}

func TestScopesOfUsers(t *testing.T) {
	t.Parallel()
	u := &access.User{Role: access.Viewer, Scope: []string{"mail", "orders/refund"}}
	all := access.Anybody()
	none := &access.User{Role: access.Admin}
	for _, c := range []struct {
		name      string
		got, want bool
	}{
		{"a queue", u.Sees("mail", "x"), true}, {"a kind", u.Sees("orders", "refund"), true}, {"another kind", u.Sees("orders", "x"), false},
		{"another queue", u.Sees("other", "refund"), false}, {"some", u.SeesSome("orders"), true}, {"whole", u.SeesQueue("orders"), false},
		{"whole queue", u.SeesQueue("mail"), true}, {"all", u.SeesAll(), false}, {"anybody", all.SeesAll() && all.Sees("x", "y") && all.SeesQueue("x"), true},
		{"no scope", none.Sees("mail", "x") || none.SeesSome("mail") || none.SeesAll(), false},
	} {
		if c.got != c.want {
			t.Errorf("%s: %v", c.name, c.got)
		}
	}
}

// usersFile gives the path of a file of users, and what writes it.
func usersFile(t *testing.T) (path string, write func(text string)) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "users.yaml")
	return path, func(text string) {
		t.Helper()
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

func TestAFileOfUsers(t *testing.T) {
	t.Parallel()
	hash, err := password.New("correct horse battery")
	if err != nil {
		t.Fatal(err)
	}
	path, write := usersFile(t)
	for text, want := range map[string]string{
		"":            "no users",
		"users: []":   "no users",
		"user: []":    `"user" is not known`,
		"users: [{}]": `user ""`,
		"users: [{name: ann, role: boss, scope: ['*']}]":                                                        `role "boss"; want viewer, reader, operator or admin`,
		"users: [{name: ann, role: admin}]":                                                                     "scope of 0 entries",
		"users: [{name: ann, role: admin, scope: [a b]}]":                                                       `"a b"`,
		"users: [{name: ann, role: admin, scope: ['*'], password: hunter2hunter2}]":                             "no hash of argon2id",
		"users: [{name: ann, role: admin, scope: ['*'], pasword: x}]":                                           "did you mean password?",
		"users: [{name: \"a\\nb\", role: admin, scope: ['*']}]":                                                 "printable",
		"users: [{name: ann, role: admin, scope: ['*']}, {name: ann, role: viewer, scope: ['*']}]":              "comes twice",
		"users: [{name: ann, role: admin, scope: ['*'], password: '" + hash.String() + "', role: viewer}]":      "role",
		"users: [{name: " + strings.Repeat("x", 129) + ", role: admin, scope: ['*']}]":                          "printable",
		"users: [{name: ann, role: admin, scope: ['*/x/y']}]":                                                   "x/y",
		"users: [{name: ann, role: admin, scope: [" + strings.Repeat("q, ", 201) + "]}]":                        "want 1 to 200",
		"users: [{name: ann, role: admin, scope: ['*'], password: '" + strings.Repeat(hash.String(), 2) + "'}]": "no hash",
	} {
		write(text)
		_, err := access.OpenFile(path, nil)
		if !errors.Is(err, drayhorse.ErrInvalid) || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), "users.yaml") {
			t.Errorf("%.90s: %v; want %q", text, err, want)
		} else if strings.Contains(err.Error(), "hunter2") {
			t.Errorf("the error has the password: %v", err)
		}
	}
	if _, err := access.OpenFile(path+".none", nil); !errors.Is(err, drayhorse.ErrInvalid) {
		t.Errorf("no file: %v", err)
	}

	write("users: [{name: ann, role: operator, scope: [mail], password: '" + hash.String() + "'}, {name: bob, role: viewer, scope: ['*']}]")
	f, err := access.OpenFile(path, nil)
	if err != nil {
		t.Fatal(err)
	}
	ann, bob := f.Find("ann"), f.Find("bob")
	if ann == nil || bob == nil || f.Find("Ann") != nil || f.Find("") != nil || ann.Role != access.Operator || ann.Password.String() != hash.String() || bob.Password != nil || f.WithoutPassword() != "bob" {
		t.Fatalf("ann %+v, bob %+v", ann, bob)
	}
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() { f.Watch(ctx); close(done) }()
	defer func() { stop(); <-done }()
	write("users: [{name: ann, role: admin, scope: [mail], password: '" + hash.String() + "'}]")
	redistest.Eventually(t, 20*time.Second, "the change is taken over", func() bool { return f.Find("bob") == nil })
	if again := f.Find("ann"); again.Role != access.Admin || again.Stamp == ann.Stamp {
		t.Errorf("ann is %+v", again)
	}
	write("users: [{name: ann")
	if f.Find("ann") == nil {
		t.Error("a broken file took the users away")
	}
}

// TestGroupsOfAFile: who is in the file by name is what that says; else the first group of the file that the user is in.
func TestGroupsOfAFile(t *testing.T) {
	t.Parallel()
	path, write := usersFile(t)
	for text, want := range map[string]string{
		"groups: [{name: ops, role: admin}]": "group: invalid: user \"ops\" has a scope of 0",
		"groups: [{name: ops, role: admin, scope: ['*']}, {name: ops, role: viewer, scope: ['*']}]": `group "ops" comes twice`,
		"groups: [{name: ops, role: admin, scope: ['*'], password: x}]":                             `group "ops" has a password`,
	} {
		write(text)
		if _, err := access.OpenFile(path, nil); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v; want %s", text, err, want)
		}
	}
	const groups = "groups: [{name: ops, role: admin, scope: ['*']}, {name: staff, role: viewer, scope: [mail]}]\n"
	write("users: [{name: ann, role: operator, scope: [mail]}]\n" + groups)
	f, err := access.OpenFile(path, nil)
	if err != nil {
		t.Fatal(err)
	}
	ann, bob, carl := f.FindOf("ann", []string{"ops"}), f.FindOf("bob", []string{"staff", "ops"}), f.FindOf("carl", []string{"staff"})
	if ann.Role != access.Operator || bob.Name != "bob" || bob.Role != access.Admin || carl.Role != access.Viewer || carl.Scope[0] != "mail" || f.FindOf("eve", []string{"sales"}) != nil || f.FindOf("ops", nil) != nil {
		t.Errorf("%+v %+v %+v", ann, bob, carl)
	}
	if f.Find("bob") != nil || f.Find("ops") != nil || !f.HasGroups() || f.Passwords() {
		t.Error("a member of a group, or a group, is a user of the file")
	}
	if f.FindStill("bob", bob.Stamp).Role != access.Admin || f.FindStill("ann", bob.Stamp) != nil || f.FindStill("bob", "") != nil {
		t.Error("stamps do not say of whom they are")
	}
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() { f.Watch(ctx); close(done) }()
	defer func() { stop(); <-done }()
	write(strings.Replace(groups, "role: admin", "role: reader", 1))
	redistest.Eventually(t, 20*time.Second, "the change is taken over", func() bool { return f.Find("ann") == nil })
	if f.FindStill("bob", bob.Stamp) != nil || f.FindStill("carl", carl.Stamp) == nil {
		t.Error("a change of one group is one of another, or of none")
	}
}
