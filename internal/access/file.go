package access

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"unicode"

	"github.com/drayhorse/drayhorse"
	"github.com/drayhorse/drayhorse/internal/conf"
	"github.com/drayhorse/drayhorse/internal/password"
	"github.com/drayhorse/drayhorse/internal/printable"
	"github.com/drayhorse/drayhorse/internal/reload"
	"github.com/drayhorse/drayhorse/internal/scope"
)

// Entry is a user of a file.
type Entry struct {
	User

	Password *password.Hash // nil: none, for users that a proxy or a provider names
	// Stamp changes with whatever the file says of the user.
	Stamp string
}

// File is the users of a file, as it is now.
type File struct {
	*reload.File[*users]
}

// users are what a file says.
type users struct {
	byName map[string]*Entry
	groups []*Entry // of users that a provider names; Name is the group's
}

// fileLimits bound a file of users: some 2,000.
var fileLimits = conf.Limits{Bytes: 1 << 20, Entries: 25_000}

// OpenFile reads a file of users:
//
//	users:
//	  - name: ann
//	    role: operator
//	    scope: [mail, orders/refund]
//	    password: "$argon2id$v=19$m=19456,t=2,p=1$..."
//	groups:
//	  - name: ops
//	    role: admin
//	    scope: ["*"]
//
// The error is drayhorse.ErrInvalid and names the file.
func OpenFile(path string, log *slog.Logger) (*File, error) {
	f, err := reload.OpenFile(reload.Kind[*users]{
		Noun: "user", Want: "a file of users, which drayhorse ui password makes entries for", Limits: fileLimits,
		Parse: func(path string, content []byte, _ *users) (*users, error) { return parse(path, content) },
		Count: func(all *users) int { return len(all.byName) + len(all.groups) },
	}, path, log)
	if err != nil {
		return nil, err
	}
	return &File{f}, nil
}

// Find gives the user of a name, compared whole; nil: there is none.
func (f *File) Find(name string) *Entry { return f.Now().byName[name] }

// FindOf gives the user of a name, or what the first group of the file that he is in makes of him; nil: neither is there.
func (f *File) FindOf(name string, groups []string) *Entry {
	if e := f.Find(name); e != nil {
		return e
	}
	for _, g := range f.Now().groups {
		if slices.Contains(groups, g.Name) {
			return g.member(name)
		}
	}
	return nil
}

// FindStill gives the user who had a stamp when he was found; nil: the file says something else of him now.
func (f *File) FindStill(name, stamp string) *Entry {
	if e := f.Find(name); e != nil {
		if e.Stamp != stamp {
			return nil
		}
		return e
	}
	for _, g := range f.Now().groups {
		if g.Stamp == stamp {
			return g.member(name)
		}
	}
	return nil
}

// member is a user of a group.
func (e *Entry) member(name string) *Entry {
	return &Entry{User: User{Name: name, Role: e.Role, Scope: e.Scope}, Stamp: e.Stamp}
}

// Passwords reports whether any user has one.
func (f *File) Passwords() bool {
	for _, e := range f.Now().byName {
		if e.Password != nil {
			return true
		}
	}
	return false
}

// HasGroups reports whether there are groups.
func (f *File) HasGroups() bool { return len(f.Now().groups) > 0 }

// WithoutPassword names a user that has none, "" if all have one.
func (f *File) WithoutPassword() string {
	for name, e := range f.Now().byName {
		if e.Password == nil {
			return name
		}
	}
	return ""
}

func parse(path string, content []byte) (*users, error) {
	type line struct {
		Name     string      `yaml:"name"`
		Role     Role        `yaml:"role"`
		Scope    scope.Scope `yaml:"scope"`
		Password string      `yaml:"password"`
	}
	var file struct {
		Users  []line `yaml:"users"`
		Groups []line `yaml:"groups"`
	}
	if _, err := conf.Decode(path, content, fileLimits, &file); err != nil {
		return nil, err
	}
	if len(file.Users)+len(file.Groups) == 0 {
		return nil, fmt.Errorf("%w: it has no users; want at least one, under users", drayhorse.ErrInvalid)
	}
	all := &users{byName: map[string]*Entry{}}
	for _, u := range file.Users {
		e := &Entry{User: User{Name: u.Name, Role: u.Role, Scope: u.Scope}}
		if err := e.Validate(); err != nil {
			return nil, err
		}
		if all.byName[e.Name] != nil {
			return nil, fmt.Errorf("%w: user %q comes twice", drayhorse.ErrInvalid, e.Name)
		}
		if u.Password != "" {
			e.Password = new(password.Hash)
			if err := e.Password.UnmarshalText([]byte(u.Password)); err != nil {
				return nil, fmt.Errorf("user %q: %w", e.Name, err)
			}
		}
		e.Stamp = stampOf("%q %q %q %q", u.Name, u.Role, u.Scope, u.Password)
		all.byName[e.Name] = e
	}
	for _, g := range file.Groups {
		e := &Entry{User: User{Name: g.Name, Role: g.Role, Scope: g.Scope}}
		if err := e.Validate(); err != nil {
			return nil, fmt.Errorf("group: %w", err)
		}
		if slices.ContainsFunc(all.groups, func(other *Entry) bool { return other.Name == g.Name }) {
			return nil, fmt.Errorf("%w: group %q comes twice", drayhorse.ErrInvalid, g.Name)
		}
		if g.Password != "" {
			return nil, fmt.Errorf("%w: group %q has a password; want it at users", drayhorse.ErrInvalid, g.Name)
		}
		e.Stamp = stampOf("group %q %q %q", g.Name, g.Role, g.Scope)
		all.groups = append(all.groups, e)
	}
	return all, nil
}

func stampOf(format string, said ...any) string {
	sum := sha256.Sum256(fmt.Appendf(nil, format, said...))
	return hex.EncodeToString(sum[:16])
}

func isPrintable(text string) bool {
	return printable.Text(text) == text && !strings.ContainsFunc(text, unicode.IsControl)
}
