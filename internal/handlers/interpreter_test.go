package handlers

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/drayhorse/drayhorse"
)

func TestInterpreterIsCheckedLikeItsScript(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	file := func(name, content string) string {
		path := filepath.Join(dir, name)
		must(os.WriteFile(path, []byte(content), 0o700))
		return path
	}
	inner := file("inner", "#!/bin/sh\n")
	lost := file("lost", "#!/no/such/interpreter\n")
	must(os.WriteFile(filepath.Join(dir, "plain"), []byte("x"), 0o600))
	for line, want := range map[string]string{
		"#!/bin/sh\necho":                   "",
		"#! /bin/sh -e\n":                   "",
		"#!/bin/sh":                         "",
		"#!/usr/bin/env sh\n":               "",
		"#!/usr/bin/env -S sh -e\n":         "",
		"#!\t/usr/bin/env\tsh\n":            "",
		"#!" + inner + "\n":                 "",
		"#!inner\n":                         "",
		"\x7fELF":                           "",
		"":                                  "",
		"#!/no/such -x\n":                   `"#!/no/such -x"; want an interpreter that is here`,
		"#!/bin/sh\r\n":                     `without \r`,
		"#!/usr/bin/env sh\r\n":             `without \r`,
		"#!\n":                              "none is named",
		"#!" + lost + "\n":                  "/no/such/interpreter",
		"#!plain\n":                         "permission denied",
		"#!/usr/bin/env no-such-program\n":  `want "no-such-program" in the PATH`,
		"#!/usr/bin/env only-here\n":        "list PATH in env",
		"#!" + dir + "\n":                   "is a directory",
		"#!" + filepath.Join(dir, "itself"): "script of a script",
	} {
		path := file("itself", line)
		_ = file("only-here", "#!/bin/sh\n")
		_, err := Build(map[string]Config{"k": {Exec: &Exec{Command: []string{path}, Dir: dir}}}, Options{})
		if want == "" {
			if err != nil {
				t.Errorf("%q: %v", line, err)
			}
			continue
		}
		if !errors.Is(err, drayhorse.ErrInvalid) || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), "exec.command[0]") || strings.Contains(err.Error(), "\n") {
			t.Errorf("%q: %v; want %q", line, err, want)
		}
	}
	path := file("itself", "#!/usr/bin/env only-here\n")
	if _, err := Build(map[string]Config{"k": {Exec: &Exec{Command: []string{path}, Set: map[string]string{"PATH": dir}}}}, Options{}); err != nil {
		t.Errorf("with PATH: %v", err)
	}
}

// FuzzFirstLine: whatever the first line of a script is, the answer is one line.
func FuzzFirstLine(f *testing.F) {
	f.Add("#!/bin/sh -e\n")
	f.Add("#!/usr/bin/env -S A=b python3\r\n")
	f.Add("#! \t\x00")
	f.Add("#!/bin/env - \x00")
	dir := f.TempDir()
	f.Fuzz(func(t *testing.T, content string) {
		path := filepath.Join(dir, "script")
		must(os.WriteFile(path, []byte(content), 0o700))
		if err := checkInterpreter(path, dir, nil); err != nil && strings.ContainsAny(err.Error(), "\n\r\x00") {
			t.Errorf("%q: %q", content, err)
		}
	})
}
