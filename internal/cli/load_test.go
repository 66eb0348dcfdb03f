package cli_test

import (
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/drayhorse/drayhorse/internal/cli"
)

func TestFlagsWinOverEnvironmentOverFile(t *testing.T) {
	t.Parallel()
	path := write(t, "number: 2\nlong_pause: 2s\nstrict: true\nqueues: {file: 2}\nnamespace: file\n")
	env := map[string]string{"DRAYHORSE_LONG_PAUSE": "3s", "DRAYHORSE_QUEUES": "env=3,other", "DRAYHORSE_NAMESPACE": "", "DRAYHORSE_LOG_LEVEL": "warn"}
	o := call(t, env, "--config", path, "--queue", "flag=4", "--queue", "second", "--log-level", "error")
	if o.cfg == nil {
		t.Fatal(o.stderr)
	}
	if got := o.cfg; got.Number != 2 || got.Pause != 3*time.Second || !got.Strict || got.Namespace != "file" || got.LogLevel != "error" {
		t.Errorf("got %+v", got)
	}
	if want := (cli.Weights{"flag": 4, "second": 1}); !reflect.DeepEqual(o.cfg.Queues, want) {
		t.Errorf("queues %v; want %v", o.cfg.Queues, want)
	}
	if o := call(t, map[string]string{"DRAYHORSE_CONFIG": path}); o.cfg.Queues["file"] != 2 {
		t.Errorf("the file of DRAYHORSE_CONFIG is not read: %+v", o.cfg)
	}
}

func TestEmptyAndCommentedFilesAreFine(t *testing.T) {
	t.Parallel()
	for _, content := range []string{"", "# nothing\n", "---\n", "number:\nnamespace: ~\n"} {
		o := call(t, nil, "--config", write(t, content))
		if o.cfg == nil || o.cfg.Number != 1 || o.cfg.Namespace != "drayhorse" {
			t.Errorf("%q: exit %d: %s, %+v; want the defaults", content, o.code, o.stderr, o.cfg)
		}
	}
}

func TestMistakesInTheFileNameFileLineAndKey(t *testing.T) {
	t.Parallel()
	for content, want := range map[string]string{
		"nmber: 5":                               `:1: key "nmber" is not known; did you mean number?`,
		"redis: redis://h":                       `:1: key "redis" is not known; did you mean redis_url?`,
		"\n# x\nnumber: abc":                     `:3: number "abc"; want a whole number`,
		"number: 1.5":                            `:1: number "1.5"; want a whole number`,
		"number: {a: 1}":                         `:1: number has keys with values; want a whole number`,
		"numbers: [1, b]":                        `:1: numbers[1] "b"; want a whole number`,
		"long_pause: 5":                          `:1: long_pause "5"; want a duration such as 500ms, 30s, 5m or 7d`,
		"strict: maybe":                          `:1: strict "maybe"; want true or false`,
		"namespace: [a]":                         `:1: namespace is a list; want text`,
		"log_level: loud":                        `:1: log_level "loud"; want debug, info, warn or error`,
		"queues: [a]":                            `:1: queues is a list; want keys with values`,
		"queues:\n  a: x":                        `:2: queues.a "x"; want a whole number`,
		"deep:\n  a:\n    inner:\n      limt: 5": `:4: key "deep.a.inner.limt" is not known; did you mean limit?`,
		"deep: {a: {inner: {limit: 5x}}}":        `:1: deep.a.inner.limit "5x"; want a duration such as 500ms, 30s, 5m or 7d`,
		"deep: 5":                                `:1: deep "5"; want keys with values`,
		"number: 1\nnumber: 2":                   `:2: key "number" is there already, at line 1; want it once`,
		"---\nnumber: 1\n---\nnumber: 2":         `:3: a second document; want one`,
		"once: 2030-01-01T00:00:00Z":             `:1: key "once" is not known`,
		"number: {":                              `:1: "number: {"; want a value, and an end of each [ and {`,
		"- a":                                    `:1: the file is a list; want keys with values`,
	} {
		path := write(t, content)
		o := call(t, nil, "--config", path)
		if o.code != cli.ExitUsage || !strings.HasPrefix(o.stderr, "prog: "+path+want) || strings.Count(o.stderr, "\n") != 1 {
			t.Errorf("%q: exit %d, %q; want %q", content, o.code, o.stderr, want)
		}
	}
}

func TestFilesThatCannotBeRead(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for path, want := range map[string]string{
		dir:                         "is a directory",
		filepath.Join(dir, "nope"):  "no such file",
		filepath.Join(dir, "a\nb"):  "no such file",
		filepath.Join(dir, "a/b/c"): "no such file",
	} {
		o := call(t, nil, "--config", path)
		if o.code != cli.ExitUsage || !strings.Contains(o.stderr, want) || strings.Count(o.stderr, "\n") != 1 {
			t.Errorf("%q: exit %d, %q", path, o.code, o.stderr)
		}
	}
}

func TestPrintedConfigIsReadBackTheSame(t *testing.T) {
	t.Parallel()
	printed := call(t, nil, "--print-config", "--queue", "a=2", "--long-pause", "90s", "--strict").stdout
	again := call(t, nil, "--config", write(t, printed), "--print-config")
	if again.stdout != printed || printed == "" {
		t.Errorf("printed\n%s\nread back\n%s%s", printed, again.stdout, again.stderr)
	}
}

func TestPrintedConfigShowsNoPassword(t *testing.T) {
	t.Parallel()
	for url, want := range map[string]string{
		"redis://h:1/0":                                 "redis://h:1/0",
		"redis://:s3cret@h:1/0":                         "redis://:***@h:1/0",
		"redis://u:s3c:r@et@h:1/0":                      "redis://u:***@h:1/0",
		"redis://s3cret@h":                              "redis://***@h",
		"s3cret@h":                                      "***@h",
		"redis://h:1/0?db=1&password=s3cret":            "redis://h:1/0?db=1&password=***",
		"redis://h:1/0?PassWord=s3cret&dial_timeout=1s": "redis://h:1/0?PassWord=***",
		"redis://u:x@h:1/0?auth=s3&cret":                "redis://u:***@h:1/0?auth=***",
		"redis://h:1?s3cret":                            "redis://h:1?***",
		"redis://:a?s3cret@h:1":                         "redis://***",
		"redis://u:a@b?s3cret@h:1":                      "redis://***",
		"redis+sentinel://u:s3cret@h:1/m?sentinel_password=s3@cret": "redis+sentinel://u:***@h:1/m?sentinel_password=***",
	} {
		o := call(t, nil, "--print-config", "--redis", url)
		shown := o.stdout + o.stderr // what no run would take is refused
		if !strings.Contains(shown, want) || strings.Contains(shown, "s3") || strings.Contains(shown, "et@") {
			t.Errorf("%s: %s; want %s", url, shown, want)
		}
	}
	if o := call(t, map[string]string{"DRAYHORSE_REDIS_URL": "redis://:s3cret@h"}, "--help"); strings.Contains(o.stdout, "s3cret") {
		t.Error("the help shows the password of the environment")
	}
}

func TestWhatLooksLikeASettingIsWarnedOf(t *testing.T) {
	t.Parallel()
	path := write(t, "number: 2\n")
	if err := os.Chmod(path, 0o666); err != nil {
		t.Fatal(err)
	}
	for environ, want := range map[string]string{
		"DRAYHORSE_NUMBR=5":      "DRAYHORSE_NUMBR is no setting; did you mean DRAYHORSE_NUMBER?",
		"DRAYHORSE_LONGPAUSE=1s": "did you mean DRAYHORSE_LONG_PAUSE?",
		"DRAYHORSE_REDIS=x":      "did you mean DRAYHORSE_REDIS_URL?",
		"DRAYHORSE_NUMBER=5":     "",
		"DRAYHORSE_CONFIG=x":     "",
		"DRAYHORSE_LISTEN=:80":   "",
		"DREYHORSE_NUMBR=5":      "",
	} {
		o := callWith(t, []string{"PATH=/", environ}, "--config", path)
		if o.cfg == nil || want != "" && !strings.Contains(o.stderr, want) || want == "" && strings.Contains(o.stderr, "is no setting") {
			t.Errorf("%s: exit %d, %q; want %q", environ, o.code, o.stderr, want)
		}
		if !strings.Contains(o.stderr, "everybody on this machine can change "+path+" (mode 0666)") {
			t.Errorf("no warning of the file: %q", o.stderr)
		}
	}
}
