package handlers

import (
	"path/filepath"
	"slices"
	"strings"
)

// role is what a program does with its arguments.
type role int

const (
	interpreter role = iota // options, a script, values
	wrapper                 // options, a program, its arguments
	finder                  // find
	closed                  // values of a job have no place
)

// kind is what a long option takes.
type kind int

const (
	none  kind = iota // it is not known
	bare              // no value, or one behind =
	takes             // a value, behind = or in the next item
	code              // a script, likewise
)

// program is how a program reads its arguments. Each letter of an option stands in
// one set at most; an option that stands in none is not known.
type program struct {
	role     role
	flags    string // letters without a value
	values   string // with a value, in the rest of the item or else the next
	last     string // with a value in the next item alone
	attached string // with a value, if any, in the rest of the item
	codes    string // with a script, like values
	ends     string // of codes, those behind which all is values
	script   string // letters that show that a script follows, in the argv of an unknown wrapper
	long     map[string]kind
	plus     bool // + makes options like -, and a lone - ends them: shells
	permutes bool // options may stand behind operands
	reads    bool // a script from stdin, where it is given none
	before   int  // operands in front of the program that it runs
	assigns  bool // NAME=VALUE in front of it
	appends  bool // what it reads from stdin to the arguments of that
}

// shell is a shell of POSIX: -c makes a script of the first operand, which is a file
// with a script otherwise. -s, for a script from stdin, is left out.
var shell = program{
	flags: "abcefhilmnpruvxCE", last: "oO", script: "c", plus: true, reads: true,
	long: map[string]kind{
		"norc": bare, "noprofile": bare, "posix": bare, "login": bare, "verbose": bare, "restricted": bare, "rcfile": takes, "init-file": takes,
	},
}

// python reads no interaction (-i) from stdin; a module (-m) is a script too.
var python = program{
	flags: "bBdEIOPqRsSuvx", values: "WX", codes: "cm", ends: "cm", script: "c", reads: true, long: map[string]kind{"check-hash-based-pycs": takes},
}

// awk is any: the letters of gawk are errors elsewhere.
var awk = program{
	flags: "bcCgkMnNOPrSt", values: "Fvil", codes: "feE", ends: "E", script: "e", long: map[string]kind{
		"file": code, "source": code, "field-separator": takes, "assign": takes, "include": takes, "load": takes,
		"posix": bare, "traditional": bare, "re-interval": bare, "sandbox": bare, "lint": bare, "csv": bare, "non-decimal-data": bare, "characters-as-bytes": bare,
	},
}

var sed = program{
	flags: "nErsuz", values: "l", attached: "i", codes: "ef", script: "e", permutes: true, long: map[string]kind{
		"expression": code, "file": code, "line-length": takes, "in-place": bare, "quiet": bare, "silent": bare, "regexp-extended": bare, "posix": bare,
		"separate": bare, "sandbox": bare, "unbuffered": bare, "null-data": bare, "follow-symlinks": bare, "debug": bare,
	},
}

var lua = program{flags: "Ev", values: "el", script: "e", reads: true}

// programs are those that run what their arguments say, by their plain names.
var programs = map[string]program{
	"sh": shell, "ash": shell, "bash": shell, "rbash": shell, "dash": shell, "hush": shell, "ksh": shell, "rksh": shell, "lksh": shell, "mksh": shell,
	"oksh": shell, "pdksh": shell, "posh": shell, "yash": shell, "zsh": shell, "rzsh": shell,
	"fish": {
		flags: "ilNPn", values: "C", codes: "c", script: "c", reads: true,
		long: map[string]kind{"command": code, "init-command": takes, "no-config": bare, "private": bare, "login": bare, "interactive": bare, "no-execute": bare},
	},
	"python": python, "pypy": python,
	// Without -n, -p and what implies them: those open values as files, and perl runs a file "CMD |".
	"perl": {flags: "cflTtUwWX01234567", values: "I", attached: "CMm", codes: "eE", script: "eE", reads: true},
	"ruby": {
		flags: "dUvwy", values: "CEIr", attached: "KTW0", codes: "e", script: "e", reads: true,
		long: map[string]kind{"disable-gems": bare, "disable": bare, "enable": bare, "encoding": takes, "jit": bare, "yjit": bare},
	},
	"node": {
		flags: "c", values: "rC", codes: "e", script: "ep", reads: true,
		long: map[string]kind{
			"eval": code, "require": takes, "import": takes, "max-old-space-size": bare, "no-warnings": bare, "enable-source-maps": bare, "trace-warnings": bare,
		},
	},
	"php": {flags: "nqC", values: "cdz", codes: "rf", script: "r", reads: true},
	"lua": lua, "luajit": lua, "texlua": lua, "tclsh": {reads: true},
	"awk": awk, "gawk": awk, "mawk": awk, "nawk": awk, "original-awk": awk, "sed": sed, "gsed": sed,

	"busybox": {role: wrapper}, "toybox": {role: wrapper}, "nohup": {role: wrapper},
	"env": {
		role: wrapper, flags: "i0v", values: "uCP", assigns: true,
		long: map[string]kind{"ignore-environment": bare, "null": bare, "debug": bare, "unset": takes, "chdir": takes},
	},
	"nice":   {role: wrapper, flags: "0123456789", values: "n", long: map[string]kind{"adjustment": takes}},
	"ionice": {role: wrapper, flags: "t", values: "cn", long: map[string]kind{"class": takes, "classdata": takes, "ignore": bare}},
	"setsid": {role: wrapper, flags: "cfw", long: map[string]kind{"ctty": bare, "fork": bare, "wait": bare}},
	"timeout": {
		role: wrapper, flags: "fpv", values: "ks", before: 1,
		long: map[string]kind{"foreground": bare, "preserve-status": bare, "verbose": bare, "kill-after": takes, "signal": takes},
	},
	"stdbuf":  {role: wrapper, values: "ioe", long: map[string]kind{"input": takes, "output": takes, "error": takes}},
	"time":    {role: wrapper, flags: "apqv", values: "fo", long: map[string]kind{"format": takes, "output": takes, "append": bare, "portability": bare, "verbose": bare}},
	"chrt":    {role: wrapper, flags: "abfior", values: "DPT", before: 1},
	"taskset": {role: wrapper, flags: "ac", before: 1, long: map[string]kind{"cpu-list": bare, "all-tasks": bare}},
	"chroot":  {role: wrapper, before: 1, long: map[string]kind{"userspec": takes, "groups": takes, "skip-chdir": bare}},
	"sudo": {
		role: wrapper, flags: "AbBEHnPSk", values: "ugpCrtTUDR", assigns: true,
		long: map[string]kind{"non-interactive": bare, "preserve-env": bare, "set-home": bare, "user": takes, "group": takes, "chdir": takes},
	},
	"doas": {role: wrapper, flags: "nL", values: "uCa"}, "gosu": {role: wrapper, before: 1}, "su-exec": {role: wrapper, before: 1},
	"setpriv": {role: wrapper, long: map[string]kind{
		"reuid": takes, "regid": takes, "groups": takes, "clear-groups": bare, "keep-groups": bare, "init-groups": bare, "no-new-privs": bare,
		"inh-caps": takes, "ambient-caps": takes, "bounding-set": takes, "securebits": takes, "pdeathsig": takes, "reset-env": bare,
	}},
	"flock": {role: wrapper, flags: "eFnosux", values: "Ew", before: 1, long: map[string]kind{
		"shared": bare, "exclusive": bare, "nonblock": bare, "timeout": takes, "wait": takes, "conflict-exit-code": takes, "close": bare, "no-fork": bare,
	}},
	"tini": {role: wrapper, flags: "sgwv", values: "pe"}, "dumb-init": {role: wrapper, flags: "cv", values: "r"},
	// Without -I, which puts what it reads anywhere.
	"xargs": {
		role: wrapper, flags: "0rtxo", values: "adEnLPs", appends: true,
		long: map[string]kind{
			"null": bare, "no-run-if-empty": bare, "verbose": bare, "exit": bare, "open-tty": bare, "max-args": takes, "max-procs": takes, "max-lines": bare,
			"delimiter": takes, "arg-file": takes,
		},
	},
	"find": {role: finder},

	"at": console, "batch": console, "dc": console, "es": console, "nu": console, "parallel": console, "rc": console, "sash": console,
	"script": console, "sg": console, "ssh": console, "gmake": {role: closed}, "make": {role: closed}, "watch": {role: closed},
	"csh": closedShell, "tcsh": closedShell, "elvish": closedShell, "osh": closedShell, "ysh": closedShell, "xonsh": closedShell,
	"pwsh": closedShell, "powershell": closedShell, "su": closedShell, "runuser": closedShell,
}

// console is what runs its arguments, and stdin; closedShell also -c, in any wrapper.
var (
	console     = program{role: closed, reads: true}
	closedShell = program{role: closed, reads: true, script: "cC"}
)

// words are names that programs of an operator's own may have as well. They are known
// where those of the system are.
var (
	words = []string{"at", "batch", "es", "find", "make", "nu", "parallel", "rc", "script", "sg", "time", "watch"}
	bins  = []string{"", "/bin/", "/usr/bin/", "/usr/local/bin/", "/opt/homebrew/bin/", "/opt/local/bin/"}
)

// nameOf gives the plain name of a program: python for /usr/bin/python3.12.
func nameOf(program string) string {
	dir, file := filepath.Split(program)
	name := strings.ToLower(file)
	if _, ok := programs[name]; !ok {
		name = strings.TrimRight(trimSuffixes(name), "0123456789.-_")
	}
	if name == "nodejs" {
		name = "node"
	}
	if _, ok := programs[name]; !ok || slices.Contains(words, name) && !slices.Contains(bins, dir) {
		return ""
	}
	return name
}

func trimSuffixes(name string) string {
	for _, suffix := range []string{".exe", ".static", "-static", "-dbg", "-cli", "-cgi", "-rs", "u+m", "u+"} {
		name = strings.TrimSuffix(name, suffix)
	}
	return name
}

// nameOfFile gives the plain name of a program that is here, also where it is a link
// under another name. What a program of many, such as busybox, is linked as decides
// which one it is.
func nameOfFile(program string) string {
	if name := nameOf(program); name != "" {
		return name
	}
	path, err := find(program)
	if err != nil {
		return ""
	}
	file, err := filepath.EvalSymlinks(path)
	if err != nil || file == path {
		return ""
	}
	switch name := nameOf(file); name {
	case "busybox", "toybox":
		return ""
	default:
		return name
	}
}
