package access

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"log/slog"
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

	Password *password.Hash // nil: none, for users that a proxy names
	// Stamp changes with whatever the file says of the user.
	Stamp string
}

// File is the users of a file, as it is now.
type File struct {
	*reload.File[map[string]*Entry] // by name
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
//
// The error is drayhorse.ErrInvalid and names the file.
func OpenFile(path string, log *slog.Logger) (*File, error) {
	f, err := reload.OpenFile(reload.Kind[map[string]*Entry]{
		Noun: "user", Want: "a file of users, which drayhorse ui password makes entries for", Limits: fileLimits,
		Parse: func(path string, content []byte, _ map[string]*Entry) (map[string]*Entry, error) {
			return parse(path, content)
		},
		Count: func(users map[string]*Entry) int { return len(users) },
	}, path, log)
	if err != nil {
		return nil, err
	}
	return &File{f}, nil
}

// Find gives the user of a name, compared whole; nil: there is none.
func (f *File) Find(name string) *Entry { return f.Now()[name] }

// WithoutPassword names a user that has none, "" if all have one.
func (f *File) WithoutPassword() string {
	for name, e := range f.Now() {
		if e.Password == nil {
			return name
		}
	}
	return ""
}

func parse(path string, content []byte) (map[string]*Entry, error) {
	var file struct {
		Users []struct {
			Name     string      `yaml:"name"`
			Role     Role        `yaml:"role"`
			Scope    scope.Scope `yaml:"scope"`
			Password string      `yaml:"password"`
		} `yaml:"users"`
	}
	if _, err := conf.Decode(path, content, fileLimits, &file); err != nil {
		return nil, err
	}
	if len(file.Users) == 0 {
		return nil, fmt.Errorf("%w: it has no users; want at least one, under users", drayhorse.ErrInvalid)
	}
	all := map[string]*Entry{}
	for _, u := range file.Users {
		e := &Entry{User: User{Name: u.Name, Role: u.Role, Scope: u.Scope}}
		if err := e.Validate(); err != nil {
			return nil, err
		}
		if all[e.Name] != nil {
			return nil, fmt.Errorf("%w: user %q comes twice", drayhorse.ErrInvalid, e.Name)
		}
		if u.Password != "" {
			e.Password = new(password.Hash)
			if err := e.Password.UnmarshalText([]byte(u.Password)); err != nil {
				return nil, fmt.Errorf("user %q: %w", e.Name, err)
			}
		}
		sum := sha256.Sum256(fmt.Appendf(nil, "%q %q %q %q", u.Name, u.Role, u.Scope, u.Password))
		e.Stamp = hex.EncodeToString(sum[:16])
		all[e.Name] = e
	}
	return all, nil
}

func isPrintable(text string) bool {
	return printable.Text(text) == text && !strings.ContainsFunc(text, unicode.IsControl)
}
