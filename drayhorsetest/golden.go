package drayhorsetest

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/drayhorse/drayhorse"
)

const (
	// maxGolden is the most bytes that a golden file may have.
	maxGolden = 16 << 20
	// maxVersions is the most versions that it may have.
	maxVersions = 1000
)

// GoldenOption changes what RequireGolden asks for.
type GoldenOption func(*golden)

// Dropped names fields, such as "plan" or "ship.city", that older arguments have and that
// are let go on purpose.
func Dropped(fields ...string) GoldenOption {
	return func(g *golden) { g.dropped = append(g.dropped, fields...) }
}

// RequireGolden ends the test unless the arguments of all versions of a program can be
// read by this one: jobs wait longer than a program lives, and a worker gets those that
// the last release has enqueued. file, testdata/welcome.jsonl say, has the arguments of
// each version as they were stored, one a line; all of them must decode into T, and no
// field may be lost on the way. sample is arguments of this version, always the same, with
// all fields set. If they are encoded in a new way, they are a new version: it is written
// to the file, and the test fails once, so that the file is committed with the change.
func RequireGolden[T drayhorse.Args](tb testing.TB, file string, sample T, options ...GoldenOption) {
	tb.Helper()
	g := golden{file: file}
	for _, o := range options {
		o(&g)
	}
	kind, err := drayhorse.KindOf(sample)
	if err != nil {
		tb.Fatalf("drayhorsetest: %v", err)
	}
	g.kind = kind
	text, err := drayhorse.EncodeArgs(sample, maxArgs)
	if err != nil {
		tb.Fatalf("drayhorsetest: %v", err)
	}
	if err := g.read(); err != nil {
		tb.Fatalf("drayhorsetest: %v", err)
	}
	for i, stored := range g.versions {
		if err := check[T](&g, stored); err != nil {
			tb.Fatalf("drayhorsetest: %s:%d: %v\nA job of that version would run like this. Read the field again, or give the new arguments a kind of their own%s",
				g.file, i+1, err, hint(err))
		}
	}
	if slices.ContainsFunc(g.versions, func(v []byte) bool { return bytes.Equal(v, text) }) {
		return
	}
	if err := g.add(text); err != nil {
		tb.Fatalf("drayhorsetest: arguments of kind %q are encoded in a new way, which cannot be written down: %v", kind, err)
	}
	tb.Fatalf("drayhorsetest: arguments of kind %q are encoded in a new way, which is written to %s now: commit it\n    %s",
		kind, file, shorten(string(text), 200))
}

// golden is a file of arguments as they were stored.
type golden struct {
	file     string
	kind     string
	dropped  []string
	versions [][]byte
}

// read reads the file. One that is not there has no versions.
func (g *golden) read() error {
	f, err := os.Open(g.file)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxGolden+1))
	if err != nil {
		return err
	}
	if len(data) > maxGolden {
		return fmt.Errorf("%s has more than %d bytes", g.file, maxGolden)
	}
	g.versions = slices.DeleteFunc(bytes.Split(data, []byte("\n")), func(line []byte) bool { return len(bytes.TrimSpace(line)) == 0 })
	if len(g.versions) > maxVersions {
		return fmt.Errorf("%s has %d versions; want at most %d", g.file, len(g.versions), maxVersions)
	}
	return nil
}

// add writes one more version to the end of the file.
func (g *golden) add(text []byte) error {
	if len(g.versions) == maxVersions {
		return fmt.Errorf("%s has %d versions already, which are most likely of a sample that changes", g.file, maxVersions)
	}
	if err := os.MkdirAll(filepath.Dir(g.file), 0o750); err != nil {
		return err
	}
	versions := append(slices.Clone(g.versions), text)
	return os.WriteFile(g.file, append(bytes.Join(versions, []byte("\n")), '\n'), 0o600)
}

// check decodes a version as a worker does, and looks whether all of it is there.
func check[T drayhorse.Args](g *golden, stored []byte) error {
	job, err := drayhorse.Decode[T](&drayhorse.Job[json.RawMessage]{Kind: g.kind, Args: stored})
	if err != nil {
		return err
	}
	again, err := drayhorse.EncodeArgs(job.Args, maxArgs)
	if err != nil {
		return err
	}
	before, err := parse(stored)
	if err != nil {
		return err
	}
	after, err := parse(again)
	if err != nil {
		return err
	}
	lost := g.lost("", before, after)
	if len(lost) == 0 {
		return nil
	}
	return lostError{fmt.Errorf("arguments of kind %q lose %s\n    stored   %s\n    decoded  %s", g.kind, strings.Join(lost, ", "),
		shorten(string(stored), 200), shorten(string(again), 200))}
}

// lostError is of arguments that decode, but not all of them.
type lostError struct{ error }

// hint is what else can be done.
func hint(err error) string {
	var lost lostError
	if errors.As(err, &lost) {
		return ", or name it in drayhorsetest.Dropped"
	}
	return ""
}

// lost gives the paths of what before has and after has not. Zero values are no loss.
func (g *golden) lost(path string, before, after any) (all []string) {
	if isZero(before) || slices.Contains(g.dropped, path) {
		return nil
	}
	switch before := before.(type) {
	case map[string]any:
		fields, ok := after.(map[string]any)
		if !ok {
			break
		}
		for _, key := range slices.Sorted(maps.Keys(before)) {
			all = append(all, g.lost(strings.TrimPrefix(path+"."+key, "."), before[key], fields[key])...)
		}
		return all
	case []any:
		elements, ok := after.([]any)
		if !ok || len(elements) != len(before) {
			break
		}
		for i := range before {
			all = append(all, g.lost(path+"["+strconv.Itoa(i)+"]", before[i], elements[i])...)
		}
		return all
	default:
		if equal(before, after) {
			return nil
		}
	}
	return []string{path}
}
