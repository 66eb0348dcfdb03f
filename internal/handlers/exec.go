package handlers

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

// Defaults of Exec.
const (
	defaultOutput = 1 << 20
	defaultStderr = 4 << 10
	defaultGrace  = 2 * time.Second
)

// jobVariables is how the variables that describe the job begin.
const jobVariables = "DRAYHORSE_JOB_"

// Exec runs a command for each job and keeps what it writes to stdout as the
// job's result, a JSON string. Only Command is required.
type Exec struct {
	// Command is argv. The first item names the program, looked for in the
	// worker's PATH once, when the worker starts. The others may hold
	// placeholders: {{field}} or {{field.inner}}.
	Command []string `yaml:"command"`
	// Timeout of one run; 0 leaves it to the timeout of the job.
	Timeout time.Duration `yaml:"timeout,omitempty"`
	// Grace is the time between SIGTERM and SIGKILL when a run is ended early;
	// 0 means 2s.
	Grace time.Duration `yaml:"grace,omitempty"`
	// Dir is the working directory; empty means the worker's.
	Dir string `yaml:"dir,omitempty"`
	// Env names the variables of the worker that the command sees. It sees no
	// others but those of Set and DRAYHORSE_JOB_*.
	Env []string `yaml:"env,omitempty"`
	// Set gives the command variables of its own.
	Set map[string]string `yaml:"set,omitempty"`
	// Stdin writes the arguments, as JSON, to the command.
	Stdin bool `yaml:"stdin,omitempty"`
	// AllowDash lists the indexes in Command of items whose value may start
	// with a dash; by default such a job is discarded.
	AllowDash []int `yaml:"allow_dash,omitempty"`
	// DiscardCodes are the exit codes that discard the job. 0 completes it, any
	// other fails the attempt.
	DiscardCodes []int `yaml:"discard_codes,omitempty"`
	// MaxOutputBytes is how much the command may write to stdout; more ends it
	// and fails the attempt. 0 means 1 MiB.
	MaxOutputBytes int `yaml:"max_output_bytes,omitempty"`
	// StderrBytes is how much of the end of stderr goes into the error; 0 means
	// 4 KiB.
	StderrBytes int `yaml:"stderr_bytes,omitempty"`
}

func (e Exec) withDefaults() Exec {
	if e.Grace == 0 {
		e.Grace = defaultGrace
	}
	if e.MaxOutputBytes == 0 {
		e.MaxOutputBytes = defaultOutput
	}
	if e.StderrBytes == 0 {
		e.StderrBytes = defaultStderr
	}
	return e
}

// Validate reports the first impossible value, by its key, as ErrInvalid.
func (e Exec) Validate() error {
	switch {
	case e.Timeout < 0:
		return invalidf("timeout", "%v; want 0 or more", e.Timeout)
	case e.Grace < 0:
		return invalidf("grace", "%v; want 0 or more", e.Grace)
	case e.MaxOutputBytes < 0:
		return invalidf("max_output_bytes", "%d; want 0 or more", e.MaxOutputBytes)
	case e.StderrBytes < 0:
		return invalidf("stderr_bytes", "%d; want 0 or more", e.StderrBytes)
	case strings.ContainsRune(e.Dir, 0):
		return invalidf("dir", "%q; want a path without NUL", e.Dir)
	}
	for i, code := range e.DiscardCodes {
		if code < 1 || code > 255 {
			return invalidf(fmt.Sprintf("discard_codes[%d]", i), "%d; want 1 to 255", code)
		}
	}
	if err := e.validateEnv(); err != nil {
		return err
	}
	items, err := parseCommand(e.Command)
	if err != nil {
		return err
	}
	if err := e.checkLaunch(items, nameOf); err != nil {
		return err
	}
	for i, index := range e.AllowDash {
		if index < 0 || index >= len(items) || !items[index].startsWithValue() {
			return invalidf(fmt.Sprintf("allow_dash[%d]", i), "%d; want the index of an item of command that starts with a placeholder", index)
		}
	}
	return nil
}

func (e Exec) validateEnv() error {
	for i, name := range e.Env {
		if !validVariable(name) {
			return invalidf(fmt.Sprintf("env[%d]", i), "%q; want the name of a variable, not %s*", name, jobVariables)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(e.Set)) {
		value := e.Set[name]
		if !validVariable(name) {
			return invalidf("set", "%q; want the name of a variable, not %s*", name, jobVariables)
		}
		if strings.ContainsRune(value, 0) {
			return invalidf("set."+name, "%q; want a value without NUL", value)
		}
	}
	return nil
}

func validVariable(name string) bool {
	return name != "" && !strings.ContainsAny(name, "=\x00") && !strings.HasPrefix(name, jobVariables)
}

// parseCommand reads argv. Where its placeholders may stand is for checkLaunch.
func parseCommand(command []string) ([]template, error) {
	if len(command) == 0 || command[0] == "" {
		return nil, invalidf("command", "%q; want a list that starts with a program", command)
	}
	items := make([]template, len(command))
	for i, text := range command {
		key := fmt.Sprintf("command[%d]", i)
		if strings.ContainsRune(text, 0) {
			return nil, invalidf(key, "%q; want an argument without NUL", text)
		}
		var err error
		if items[i], err = parseTemplate(text); err != nil {
			return nil, invalidf(key, "%q: %v", text, err)
		}
		if i == 0 && items[i].placeholders() {
			return nil, invalidf(key, "%q; want a program without placeholders", text)
		}
	}
	return items, nil
}
