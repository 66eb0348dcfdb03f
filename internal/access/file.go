package access

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"sync/atomic"
	"unicode"

	"github.com/drayhorse/drayhorse"
	"github.com/drayhorse/drayhorse/internal/conf"
	"github.com/drayhorse/drayhorse/internal/logs"
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

// File is the users of a file, as it is now: while somebody watches it, changes are taken over.
// A file that is broken changes nothing.
type File struct {
	path    string
	log     *slog.Logger
	users   atomic.Pointer[map[string]*Entry]
	content reload.Content
}

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
	f := &File{path: path, log: logs.Or(log)}
	f.content = reload.Content{Read: f.read, Apply: f.apply, Told: f.told}
	if err := f.content.Open(); err != nil {
		return nil, err
	}
	if warning := conf.Writable(path); warning != "" {
		f.log.Warn(warning)
	}
	return f, nil
}

// Watch takes changes over until ctx ends. It is called once.
func (f *File) Watch(ctx context.Context) { f.content.Watch(ctx) }

// Find gives the user of a name, compared whole; nil: there is none.
func (f *File) Find(name string) *Entry { return (*f.users.Load())[name] }

// WithoutPassword names a user that has none, "" if all have one.
func (f *File) WithoutPassword() string {
	for name, e := range *f.users.Load() {
		if e.Password == nil {
			return name
		}
	}
	return ""
}

func (f *File) told(ctx context.Context, err error) {
	if err != nil {
		f.log.ErrorContext(ctx, "user file is broken; the users of before stay", slog.String(logs.Error, strings.ReplaceAll(err.Error(), "\n", "; ")))
		return
	}
	f.log.InfoContext(ctx, "users reloaded", slog.Int(logs.Count, len(*f.users.Load())))
}

// fileLimits bound a file of users, which is read again while a program runs: some 2,000.
var fileLimits = conf.Limits{Bytes: 1 << 20, Entries: 25_000}

func (f *File) read() ([]byte, error) {
	content, err := os.ReadFile(f.path)
	if err != nil {
		if e, ok := errors.AsType[*os.PathError](err); ok {
			err = e.Err // the path is named once
		}
		return nil, fmt.Errorf("%w: user_file %q: %w; want a file of users, which drayhorse ui password makes entries for", drayhorse.ErrInvalid, f.path, err)
	}
	if len(content) > fileLimits.Bytes {
		return nil, fmt.Errorf("%w: user_file %q has %d bytes; want at most %d", drayhorse.ErrInvalid, f.path, len(content), fileLimits.Bytes)
	}
	return content, nil
}

// apply replaces the users by those of content, all or none.
func (f *File) apply(content []byte) error {
	users, err := parse(f.path, content)
	if err != nil {
		return fmt.Errorf("user_file %q: %w", f.path, err)
	}
	f.users.Store(&users)
	return nil
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
