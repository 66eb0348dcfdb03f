package handlers

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// maxFirstLine is how much of a file the system looks at for its interpreter, and
// maxScripts how many scripts may stand one upon the other. Both are Linux's.
const (
	maxFirstLine = 256
	maxScripts   = 4
)

// defaultPath is where env looks where a command has no PATH.
const defaultPath = "/bin:/usr/bin"

// checkInterpreter reports why a program that is a script could not be run: its first
// line names an interpreter that is not here. Scripts and interpreters are looked for
// as the command will: in its directory, dir, and with its PATH.
func checkInterpreter(program, dir string, env []string) error {
	for range maxScripts {
		line, ok := firstLine(program)
		if !ok {
			return nil
		}
		name, argument, _ := strings.Cut(strings.TrimLeft(line, " \t"), " ")
		if before, after, found := strings.Cut(name, "\t"); found {
			name, argument = before, after+" "+argument
		}
		if strings.HasSuffix(line, "\r") {
			return fmt.Errorf("its first line is %q; want it to end as lines of Unix do, without \\r", "#!"+line)
		}
		path, err := executable(name, dir)
		if err != nil {
			return fmt.Errorf("its first line is %q; want an interpreter that is here: %w", "#!"+line, err)
		}
		if filepath.Base(path) == "env" {
			if err := checkEnv(argument, env); err != nil {
				return fmt.Errorf("its first line is %q; %w", "#!"+line, err)
			}
			return nil
		}
		program = path
	}
	return fmt.Errorf("its interpreter is a script of a script; want %d at most", maxScripts)
}

// firstLine gives what follows #! in the first line of a script.
func firstLine(program string) (line string, ok bool) {
	f, err := os.Open(program) //nolint:gosec // the operator's program
	if err != nil {
		return "", false // it may be run all the same
	}
	defer f.Close()
	head := make([]byte, maxFirstLine)
	n, err := io.ReadFull(f, head)
	if err != nil && !errors.Is(err, io.ErrUnexpectedEOF) {
		return "", false
	}
	line, _, _ = strings.Cut(string(head[:n]), "\n")
	return strings.CutPrefix(line, "#!")
}

// executable gives the path of a program that is named by a path.
func executable(name, dir string) (string, error) {
	if name == "" {
		return "", errors.New("none is named")
	}
	if !filepath.IsAbs(name) {
		var err error
		if name, err = filepath.Abs(filepath.Join(dir, name)); err != nil {
			return "", err
		}
	}
	path, err := exec.LookPath(name)
	if e, ok := errors.AsType[*exec.Error](err); ok {
		err = e.Err
	}
	if e, ok := errors.AsType[*fs.PathError](err); ok {
		err = e.Err // the path is named already
	}
	return path, err
}

// checkEnv looks for the program that env is to run, in the PATH of the command.
func checkEnv(argument string, env []string) error {
	program := ""
	for _, word := range strings.Fields(argument) {
		if !strings.HasPrefix(word, "-") && !strings.Contains(word, "=") {
			program = word
			break
		}
	}
	if program == "" || strings.Contains(program, "/") {
		return nil
	}
	path := defaultPath
	for _, variable := range env {
		if value, ok := strings.CutPrefix(variable, "PATH="); ok {
			path = value
		}
	}
	for _, dir := range filepath.SplitList(path) {
		if _, err := exec.LookPath(filepath.Join(dir, program)); err == nil && filepath.IsAbs(dir) {
			return nil
		}
	}
	return fmt.Errorf("want %q in the PATH that the command sees, %q: list PATH in env, or name the interpreter by its path", program, path)
}
