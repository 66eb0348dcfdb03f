package handlers

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/drayhorse/drayhorse"
)

// errOutput ends a command that writes more than it may.
var errOutput = errors.New("stdout is over its limit")

// command is an Exec that is ready to run.
type command struct {
	Exec
	program string // absolute path
	items   []template
	env     []string
}

func newCommand(cfg Exec, opts Options) (*command, error) {
	if !groupsSupported {
		return nil, invalidf("command", "%q; want Linux or macOS, where the processes of a command can be ended together", cfg.Command)
	}
	c := &command{Exec: cfg.withDefaults()}
	var err error
	if c.items, err = parseCommand(cfg.Command); err != nil {
		return nil, err
	}
	if err := cfg.checkLaunch(c.items, nameOfFile); err != nil {
		return nil, err
	}
	if c.program, err = find(cfg.Command[0]); err != nil {
		return nil, invalidf("command[0]", "%q; want a program: %v", cfg.Command[0], err)
	}
	if cfg.Dir != "" {
		if info, err := os.Stat(cfg.Dir); err != nil || !info.IsDir() {
			return nil, invalidf("dir", "%q; want a directory that exists", cfg.Dir)
		}
	}
	for _, name := range cfg.Env {
		if value, ok := opts.LookupEnv(name); ok {
			c.env = append(c.env, name+"="+value)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(cfg.Set)) {
		c.env = append(c.env, name+"="+cfg.Set[name])
	}
	if err := checkInterpreter(c.program, cfg.Dir, c.env); err != nil {
		return nil, invalidf("command[0]", "%q; %v", cfg.Command[0], err)
	}
	return c, nil
}

// find gives the absolute path of a program, so that neither a later PATH nor
// the working directory of the command changes what runs.
func find(program string) (string, error) {
	path, err := exec.LookPath(program)
	if err != nil {
		return "", err
	}
	return filepath.Abs(path)
}

// run is the handler.
func (c *command) run(ctx context.Context, job *drayhorse.Job[json.RawMessage]) error {
	argv, err := c.argv(job.Args)
	if err != nil {
		return drayhorse.Discard(err)
	}
	if c.Timeout > 0 {
		var stop context.CancelFunc
		ctx, stop = withTimeout(ctx, c.Timeout)
		defer stop()
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	stdout := &capped{limit: c.MaxOutputBytes, over: func() { cancel(errOutput) }}
	stderr := &tail{limit: c.StderrBytes}
	cmd := exec.Command(c.program) //nolint:gosec,noctx // the operator's program; values only reach argv; ended as a group, see group.go
	cmd.Args, cmd.Env, cmd.Dir = argv, c.environment(job), c.Dir
	cmd.Stdout, cmd.Stderr = stdout, stderr
	if c.Stdin {
		cmd.Stdin = bytes.NewReader(job.Args)
	}
	if err := runGroup(ctx, cmd, c.Grace); err != nil {
		return c.failure(err, stdout, stderr)
	}
	return job.SetResult(strings.ToValidUTF8(stdout.String(), "\uFFFD"))
}

// argv puts the values of a job's arguments into their items, one each.
func (c *command) argv(raw json.RawMessage) ([]string, error) {
	args, err := decodeArgs(raw)
	if err != nil {
		return nil, err
	}
	argv := make([]string, len(c.items))
	for i, item := range c.items {
		if argv[i], err = item.expand(args, slices.Contains(c.AllowDash, i)); err != nil {
			return nil, fmt.Errorf("%s: command[%d]: %w", filepath.Base(c.program), i, err)
		}
	}
	return argv, nil
}

// decodeArgs keeps numbers as they are written: an ID of 19 digits stays one. No
// arguments at all are null.
func decodeArgs(raw json.RawMessage) (any, error) {
	if len(raw) == 0 {
		return nil, nil //nolint:nilnil // null is a value here
	}
	decoder := json.NewDecoder(bytes.NewReader(raw))
	decoder.UseNumber()
	var args any
	if err := decoder.Decode(&args); err != nil {
		return nil, fmt.Errorf("arguments are not JSON: %w", err)
	}
	return args, nil
}

// environment describes the job, and comes last, so that it wins.
func (c *command) environment(job *drayhorse.Job[json.RawMessage]) []string {
	env := append(slices.Clip(c.env),
		jobVariables+"ID="+job.ID,
		jobVariables+"KIND="+job.Kind,
		jobVariables+"QUEUE="+job.Queue,
		jobVariables+"ATTEMPT="+strconv.Itoa(job.Attempt),
		jobVariables+"MAX_ATTEMPTS="+strconv.Itoa(job.MaxAttempts))
	if tick := tickOf(job); tick != "" {
		env = append(env, jobVariables+"TICK="+tick)
	}
	return env
}

// failure says what the end of a command means for its job.
func (c *command) failure(err error, stdout *capped, stderr *tail) error {
	name := filepath.Base(c.program)
	exit, exited := errors.AsType[*exec.ExitError](err)
	switch {
	case errors.Is(err, errOutput) || stdout.full():
		return fmt.Errorf("%s: %w of %d bytes (max_output_bytes)", name, errOutput, c.MaxOutputBytes)
	case errors.Is(err, syscall.E2BIG):
		return drayhorse.Discard(fmt.Errorf("%s: the arguments are too long for the system: %w", name, err))
	case errors.Is(err, exec.ErrWaitDelay):
		return fmt.Errorf("%s: left a process behind that keeps its output open", name)
	}
	if message := stderr.String(); message != "" {
		err = fmt.Errorf("%s: %w: %s", name, err, message)
	} else {
		err = fmt.Errorf("%s: %w", name, err)
	}
	if exited && slices.Contains(c.DiscardCodes, exit.ExitCode()) {
		return drayhorse.Discard(err)
	}
	return err
}

// withTimeout is context.WithTimeout with a cause that says how long it was.
func withTimeout(ctx context.Context, d time.Duration) (context.Context, context.CancelFunc) {
	return context.WithTimeoutCause(ctx, d, fmt.Errorf("timed out after %v: %w", d, context.DeadlineExceeded))
}
