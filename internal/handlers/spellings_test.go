//go:build linux || darwin

package handlers

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/drayhorse/drayhorse"
)

// What values do where they are run: MARK is a file that they make.
const (
	inShell  = "touch MARK"
	inDouble = "$(touch MARK)"
	inPython = "open('MARK', 'w')"
	inPerl   = "open F, '>', 'MARK'"
	inNode   = "require('fs').writeFileSync('MARK', '')"
	inAwk    = `BEGIN { system("touch MARK") }`
	inSed    = "1e touch MARK"
)

// spelling is a call that would run a value of a job.
type spelling struct {
	command []string
	payload string
	dash    []int // allow_dash
	stdin   bool
}

func spellings(dir string) []spelling {
	link := filepath.Join(dir, "tool")
	must(os.Symlink("/bin/sh", link))
	var all []spelling
	add := func(payload string, command ...string) {
		all = append(all, spelling{command: command, payload: payload})
	}
	for _, call := range []string{
		// The options of a shell.
		"sh -c V", "sh -cx V", "sh -ec V", "sh -xce V", "sh +c V", "sh +ec V", "sh -c -- V", "sh -c -x V", "sh -c -e -u V", "sh -x -c V", "/bin/sh -c V",
		"bash -o pipefail -c V", "bash -euo pipefail -c V", "bash -O extglob -c V", "bash --norc -c V", "bash --noprofile --norc -ec V",
		"bash --rcfile /dev/null -c V", "bash -rcfile /dev/null -c V", "bash -lc V", "bash -c - V",
		// Other shells.
		"rbash -c V", "dash -c V", "dash -o errexit -c V", "zsh -c V", "zsh -fc V", "ksh -c V", "ksh93 -c V", "mksh -c V", "yash -c V", "fish -c V",
		"fish --command V", "fish --command=V", "fish -C V", "fish -c : -c V", "csh -fc V", "tcsh -c V", "pwsh -c V", "pwsh -NoProfile -Command V",
		"pwsh -File x.ps1 V", "elvish -c V", "nu -c V", "busybox sh -c V", "busybox ash -ec V", "toybox sh -c V", "bash5 -c V", "bash-static -c V", link + " -c V",
		// Wrappers.
		"env sh -c V", "env A=b sh -c V", "env -i PATH=/usr/bin:/bin sh -c V", "env -u A sh -c V", "env -uA -- sh -c V", "env - PATH=/usr/bin:/bin sh -c V",
		"env V", "env -S V", "env -SV", "env --split-string=V", "env -C / sh -c V", "nice sh -c V", "nice -n 5 sh -c V", "nice -5 sh -c V", "nice -n5 bash -xc V",
		"timeout 20 sh -c V", "timeout -k 1 20 bash -c V", "timeout --signal=KILL 20 sh -c V", "nohup sh -c V", "setsid sh -c V", "setsid -w sh -c V",
		"stdbuf -oL sh -c V", "ionice -c 3 sh -c V", "taskset 1 sh -c V", "taskset -c 0 sh -c V", "chrt -o 0 sh -c V", "time -p sh -c V", "chroot / sh -c V",
		"setpriv --no-new-privs sh -c V", "sudo sh -c V", "sudo -n -u root -- sh -c V", "sudo A=b bash -c V", "sudo -s V", "sudo -i V", "doas sh -c V", "doas -s V",
		"su -c V", "su root -c V", "su - root -c V", "su -s /bin/sh -c V root", "runuser -u root -- sh -c V", "runuser -c V root", "sg root -c V",
		"xargs sh -c V", "xargs -0 sh -c V", "xargs -n 1 bash -c V", "xargs -I{} sh -c V", "flock LOCK sh -c V", "flock LOCK -c V", "script -qc V /dev/null",
		"find . -maxdepth 0 -exec sh -c V ;", "find . -maxdepth 0 -exec nice sh -c V {} +", "watch V", "ssh host V", "parallel V", "env nice timeout 20 sh -c V",
		"prlimit sh -c V", "unshare sh -c V", "strace -f sh -c V", "docker exec c sh -ec V", "tini -- sh -c V", "gosu root sh -c V", "nice V",
	} {
		command := strings.Fields(call)
		for i := range command {
			command[i] = strings.NewReplacer("V", "{{v}}", "LOCK", filepath.Join(dir, "lock")).Replace(command[i])
		}
		add(inShell, command...)
	}
	add(inShell, "env", "-S", "sh -c", "{{v}}")
	add(inShell, "env", "-S sh -c", "{{v}}")
	add(inShell, "env", "-vS", "nice sh -c", "{{v}}")
	add(inShell, "env", "--split-string=sh -c", "{{v}}")
	add(inShell, "sh", "-c", "echo {{v}}; {{v}}")
	add(inDouble, "bash", "-c", `echo "{{v}}"`)
	add("MARK; touch MARK", "sh", "-c{{v}}")
	add(inDouble, "env", "PS4={{v}}", "sh", "-xc", ":")
	add(inDouble, "env", "BASH_ENV={{v}}", "bash", "-c", ":")
	add(inDouble, "sudo", "BASH_ENV={{v}}", "bash", "-c", ":")
	add(filepath.Join(dir, "payload"), "sh", "{{v}}")
	add(filepath.Join(dir, "payload"), "bash", "-x", "--", "{{v}}")
	add(filepath.Join(dir, "payload"), "bash", "--rcfile", "/dev/null", "{{v}}")
	add(filepath.Join(dir, "payload"), "bash", "-rcfile", "/dev/null", "{{v}}")
	add(filepath.Join(dir, "payload"), "bash", "-o", "pipefail", "{{v}}")
	all = append(all, spelling{command: []string{"bash", "{{flag}}", "{{v}}"}, dash: []int{1}, payload: inShell})

	// Languages.
	for _, call := range []string{"python3 -c V", "python3 -Ic V", "python3 -Wd -c V", "python3 -B -X utf8 -c V", "pypy3 -c V", "python3.11 -c V", "python3 -cV", "env python3 -c V"} {
		add(inPython, strings.Fields(strings.ReplaceAll(call, "V", "{{v}}"))...)
	}
	add(inPython, "python3", "-m", "timeit", "{{v}}")
	for _, call := range []string{"perl -e V", "perl -we V", "perl -lwe V", "perl -e 1 -e V", "perl -E V", "perl -Mstrict -e V", "perl -eV"} {
		add(inPerl, strings.Fields(strings.ReplaceAll(call, "V", "{{v}}"))...)
	}
	all = append(all, spelling{command: []string{"perl", "-e", "1", "{{v}}", "x"}, dash: []int{3}, payload: "-e" + inPerl})
	add("touch MARK|", "perl", "-ne", "print", "{{v}}")
	add("touch MARK|", "perl", "-lane", "print", "{{v}}")
	for _, call := range []string{"node -e V", "node --eval V", "node --eval=V", "node -p V", "node -pe V", "node -p -e V", "nodejs -e V"} {
		add(inNode, strings.Fields(strings.ReplaceAll(call, "V", "{{v}}"))...)
	}
	add("File.write('MARK', '')", "ruby", "-e", "{{v}}")
	add("touch('MARK');", "php", "-r", "{{v}}")
	add("os.execute('touch MARK')", "lua", "-e", "{{v}}")
	add(filepath.Join(dir, "payload"), "lua", "-e", "x = 1", "{{v}}")
	for _, call := range []string{"awk V", "awk -F : V", "awk -v a=b V", "gawk -e V", "gawk --source V", "mawk -- V", "busybox awk V"} {
		add(inAwk, strings.Fields(strings.ReplaceAll(call, "V", "{{v}}"))...)
	}
	for _, call := range []string{"sed V /etc/passwd", "sed -n V /etc/passwd", "sed -e p -e V /etc/passwd", "sed p /etc/passwd -e V", "sed --expression=V /etc/passwd", "sed -ne p -eV /etc/passwd"} {
		add(inSed, strings.Fields(strings.ReplaceAll(call, "V", "{{v}}"))...)
	}

	// The arguments as a script on stdin.
	for _, call := range []string{
		"sh", "bash -s", "sh -", "sh --", "sh -x", "sh /dev/stdin", "bash /dev/fd/0", "bash /proc/self/fd/0", "env bash", "nice -n 5 sh", "timeout 20 sh -e",
		"busybox sh", "su", "sudo sh", "xargs sh -c", "xargs -0 sh -c", "xargs -n 1 env sh -ec", "xargs -I{} sh -c {}", "zsh", "fish", "csh", "python3 -", "perl", "node -",
		"awk -f -", "sed -f /dev/stdin /etc/passwd", "at now", "parallel", "ssh host", "docker exec -i c sh", "prlimit sh", "nohup sh",
	} {
		all = append(all, spelling{command: strings.Fields(call), payload: inDouble, stdin: true})
	}
	return all
}

// TestNoSpellingRunsAValue: what would run a value of a job is refused when the worker
// starts. What is installed here is run without the guard first, to see that the
// payload is one.
func TestNoSpellingRunsAValue(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	must(os.WriteFile(filepath.Join(dir, "payload"), []byte("touch \"$MARK\"\n"), 0o600))
	all := spellings(dir)
	var harmful atomic.Int64
	try := func(i int) {
		s, mark := all[i], filepath.Join(dir, fmt.Sprint("mark", i))
		cfg := Exec{Command: s.command, AllowDash: s.dash, Stdin: s.stdin}
		args, err := json.Marshal(map[string]string{"v": strings.ReplaceAll(s.payload, "MARK", mark), "flag": "-c"})
		must(err)
		if runUnguarded(t, cfg, dir, args, mark) {
			harmful.Add(1)
		}
		_, err = Build(map[string]Config{"k": {Exec: &cfg}}, Options{})
		if !errors.Is(err, drayhorse.ErrInvalid) || strings.Contains(err.Error(), "want a program:") || strings.Contains(err.Error(), "\n") {
			t.Errorf("%q: %v; want it refused in one line", s.command, err)
		}
		if err := cfg.Validate(); !errors.Is(err, drayhorse.ErrInvalid) && s.command[0] != filepath.Join(dir, "tool") {
			t.Errorf("%q: valid by its words alone: %v", s.command, err)
		}
	}
	next := make(chan int)
	var tries sync.WaitGroup
	for range 8 {
		tries.Go(func() {
			for i := range next {
				try(i)
			}
		})
	}
	for i := range all {
		next <- i
	}
	close(next)
	tries.Wait()
	t.Logf("%d spellings, of which %d ran the payload here without the guard", len(all), harmful.Load())
	if len(all) < 40 || harmful.Load() < 40 {
		t.Errorf("%d spellings, %d harmful; want 40 at least", len(all), harmful.Load())
	}
}

// runUnguarded runs a command as the handler would without the guard, and reports
// whether its payload ran.
func runUnguarded(t *testing.T, cfg Exec, dir string, args []byte, mark string) bool {
	t.Helper()
	program, err := exec.LookPath(cfg.Command[0])
	if err != nil || slices.Contains([]string{"ssh", "at", "watch"}, cfg.Command[0]) {
		return false
	}
	items, err := parseCommand(cfg.Command)
	must(err)
	c := &command{Exec: cfg, program: program, items: items}
	argv, err := c.argv(args)
	must(err)
	cmd := exec.CommandContext(t.Context(), program)
	cmd.Args, cmd.Dir, cmd.WaitDelay = argv, dir, time.Minute
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "MARK=" + mark}
	if cfg.Stdin {
		cmd.Stdin = strings.NewReader(string(args))
	}
	_ = cmd.Run()
	err = os.Remove(mark)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		t.Fatal(err)
	}
	return err == nil
}

// TestHonestCommandsRun: values reach a script behind it, byte for byte.
func TestHonestCommandsRun(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	mark := filepath.Join(dir, "mark")
	script := filepath.Join(dir, "batch") // a name that a program of the system has as well
	must(os.WriteFile(script, []byte("#!/bin/sh\nprintf %s \"$1\"\n"), 0o700))
	value := "$(touch " + mark + "); touch " + mark + "|\n`touch " + mark + "`"
	args, err := json.Marshal(map[string]string{"v": value, "dir": dir, "file": script})
	must(err)
	shows := `printf %s "$1"`
	for _, c := range []struct {
		command []string
		stdin   bool
		want    string
	}{
		{command: []string{"sh", "-c", shows, "sh", "{{v}}"}},
		{command: []string{"bash", "-euo", "pipefail", "-c", shows, "bash", "{{v}}"}},
		{command: []string{"bash", "--norc", "-Ec", shows, "bash", "{{v}}"}},
		{command: []string{"env", "-i", "A=b", "sh", "-c", shows, "sh", "{{v}}"}},
		{command: []string{"env", "A=b", "printf", "%s", "{{v}}"}},
		{command: []string{"timeout", "-k", "1", "60", "printf", "%s", "{{v}}"}},
		{command: []string{"nice", "-n", "5", "sh", "-c", shows, "sh", "{{v}}"}},
		{command: []string{"awk", "-F", ":", `BEGIN { printf "%s", ARGV[1] }`, "{{v}}"}},
		{command: []string{"sed", "-n", "-e", "s/^/> /p", "{{file}}"}, want: "> #!/bin/sh\n> printf %s \"$1\"\n"},
		{command: []string{"perl", "-e", "print $ARGV[0]", "--", "{{v}}"}},
		{command: []string{"python3", "-Ic", "import sys; sys.stdout.write(sys.argv[1])", "{{v}}"}},
		{command: []string{"node", "-e", "process.stdout.write(process.argv[1])", "{{v}}"}},
		{command: []string{script, "{{v}}"}},
		{command: []string{"sh", script, "{{v}}"}},
		{command: []string{"find", "{{dir}}", "-maxdepth", "0"}, want: dir + "\n"},
		{command: []string{"find", "{{dir}}", "-maxdepth", "0", "-exec", "sh", "-c", shows, "sh", "{{v}}", ";"}},
		{command: []string{"sh", "-c", "cat"}, stdin: true, want: string(args)},
		{command: []string{"xargs", "-0", "sh", "-c", shows, "sh"}, stdin: true, want: string(args)},
		{command: []string{"printf", "%s%s", "/bin/bash", "{{v}}"}, want: "/bin/bash" + value},
		{command: []string{"grep", "-c", "sh", "{{file}}"}, want: "1\n"},
	} {
		if _, err := exec.LookPath(c.command[0]); err != nil {
			t.Logf("%s is not here", c.command[0])
			continue
		}
		job := newJob(string(args))
		cfg := Config{Exec: &Exec{Command: c.command, Stdin: c.stdin, Env: []string{"PATH"}}}
		set, err := Build(map[string]Config{"k": cfg}, Options{})
		if err != nil {
			t.Errorf("%q: %v", c.command, err)
			continue
		}
		if c.want == "" {
			c.want = value
		}
		if err := set.Funcs["k"](t.Context(), job.Job); err != nil || job.text(t) != c.want {
			t.Errorf("%q: %v, %s; want %q", c.command, err, job.result, c.want)
		}
		set.Close()
	}
	if _, err := os.Stat(mark); err == nil {
		t.Error("a value was run")
	}
}

// FuzzLaunch: whatever argv says, looking at it ends, and a value right behind a
// script flag of a shell is refused.
func FuzzLaunch(f *testing.F) {
	f.Add("sh -c {{v}}", false)
	f.Add("env -i A=b nice -n 5 sh -o pipefail -c x {{v}}", true)
	f.Add("xargs -0 perl -Mx -e y -- {{v}}", true)
	f.Add("find . -exec sh -c {{v}} ;", false)
	f.Fuzz(func(t *testing.T, call string, stdin bool) {
		fields := strings.Fields(call)
		items, err := parseCommand(fields)
		if err != nil {
			return
		}
		e := Exec{Command: fields, Stdin: stdin}
		err = e.checkLaunch(items, nameOf)
		if err != nil && !errors.Is(err, drayhorse.ErrInvalid) {
			t.Errorf("%q: %v", fields, err)
		}
		for i := 1; i+1 < len(fields); i++ {
			if nameOf(fields[i-1]) == "sh" && fields[i] == "-c" && items[i+1].startsWithValue() && i == 1 && err == nil {
				t.Errorf("%q is let pass", fields)
			}
		}
	})
}
