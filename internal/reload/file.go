package reload

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"sync/atomic"

	"github.com/drayhorse/drayhorse"
	"github.com/drayhorse/drayhorse/internal/conf"
	"github.com/drayhorse/drayhorse/internal/logs"
)

// Kind says what a file holds.
type Kind[T any] struct {
	Noun   string      // what it has many of, such as token: the setting is then token_file
	Want   string      // what to give, for who gave a file that cannot be read
	Limits conf.Limits // a program that runs reads it again
	// Parse makes a value of all of the content, or an error. Before is the value that was
	// in force, the zero one at first.
	Parse func(path string, content []byte, before T) (T, error)
	Count func(T) int
}

// File is what a file says, as it is now: while somebody watches it, changes are taken over.
// A file that is broken changes nothing.
type File[T any] struct {
	kind    Kind[T]
	path    string
	log     *slog.Logger
	value   atomic.Pointer[T]
	content Content
}

// OpenFile reads a file. The error is drayhorse.ErrInvalid and names it. A file that others
// may write is warned of.
func OpenFile[T any](kind Kind[T], path string, log *slog.Logger) (*File[T], error) {
	f := &File[T]{kind: kind, path: path, log: logs.Or(log)}
	f.value.Store(new(T))
	f.content = Content{Read: f.read, Apply: f.apply, Told: f.told}
	if err := f.content.Open(); err != nil {
		return nil, err
	}
	if warning := conf.Writable(path); warning != "" {
		f.log.Warn(warning)
	}
	return f, nil
}

// Watch takes changes over until ctx ends. It is called once.
func (f *File[T]) Watch(ctx context.Context) { f.content.Watch(ctx) }

// Now gives the value that is in force.
func (f *File[T]) Now() T { return *f.value.Load() }

func (f *File[T]) read() ([]byte, error) {
	content, err := os.ReadFile(f.path)
	if err != nil {
		if e, ok := errors.AsType[*os.PathError](err); ok {
			err = e.Err // the path is named once
		}
		return nil, fmt.Errorf("%w: %s_file %q: %w; want %s", drayhorse.ErrInvalid, f.kind.Noun, f.path, err, f.kind.Want)
	}
	if most := f.kind.Limits.Bytes; len(content) > most {
		return nil, fmt.Errorf("%w: %s_file %q has %d bytes; want at most %d", drayhorse.ErrInvalid, f.kind.Noun, f.path, len(content), most)
	}
	return content, nil
}

func (f *File[T]) apply(content []byte) error {
	value, err := f.kind.Parse(f.path, content, f.Now())
	if err != nil {
		return fmt.Errorf("%s_file %q: %w", f.kind.Noun, f.path, err)
	}
	f.value.Store(&value)
	return nil
}

func (f *File[T]) told(ctx context.Context, err error) {
	if err != nil {
		f.log.ErrorContext(ctx, f.kind.Noun+" file is broken; the "+f.kind.Noun+"s of before stay", slog.String(logs.Error, strings.ReplaceAll(err.Error(), "\n", "; ")))
		return
	}
	f.log.InfoContext(ctx, f.kind.Noun+"s reloaded", slog.Int(logs.Count, f.kind.Count(f.Now())))
}
