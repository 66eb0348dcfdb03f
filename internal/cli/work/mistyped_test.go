package work

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/drayhorse/drayhorse/internal/cli"
)

// TestMistypedHandlersGetOneLineThatHelps: the line names what was written and what
// would be right, and no secret.
func TestMistypedHandlersGetOneLineThatHelps(t *testing.T) {
	t.Parallel()
	script := filepath.Join(t.TempDir(), "run")
	if err := os.WriteFile(script, []byte("#!/bin/sh\r\necho\r\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	for handler, want := range map[string][]string{
		`{exce: {command: [ls]}}`:                                    {"exce", "did you mean exec?"},
		`{exec: {comand: [ls]}}`:                                     {"comand", "did you mean command?"},
		`{exec: {command: [sha256sun]}}`:                             {`handlers.a.exec.command[0] "sha256sun"`, "want a program"},
		`{exec: {command: [cat, "{{path}"]}}`:                        {`command[1]`, "{{path}", "is not closed"},
		`{exec: {command: [cat, "{{ user name }}"]}}`:                {`command[1]`, "user name", "want field"},
		`{exec: {command: [sh, -c, "echo {{x}}"]}}`:                  {`command[2] "echo {{x}}"`, `want a literal script before it`, `"$1"`},
		`{exec: {command: [env, "A={{x}}", ls]}}`:                    {`command[1] "A={{x}}"`, "env itself", "behind the program"},
		`{exec: {command: [sh], stdin: true}}`:                       {"exec.stdin true", "a literal script"},
		`{exec: {command: [` + script + `]}}`:                        {"command[0]", `without \r`},
		`{exec: {command: [ls], timeout: 5}}`:                        {"timeout", `"5"`, "want a duration such as"},
		`{exec: {command: [ls], allow_dash: [1]}}`:                   {"allow_dash[0] 1", "starts with a placeholder"},
		`{exec: {command: [ls], env: [PATH=/bin]}}`:                  {`env[0] "PATH=/bin"`, "the name of a variable"},
		`{exec: {command: [ls]}, queues: [mial]}`:                    {`queues[0] "mial"`, "want one of the queues that this worker works on: default, mail"},
		`{exec: {command: [ls]}, http: {url: "https://h"}}`:          {"has exec and http", "want one of them"},
		`{http: {url: example.com/hook}}`:                            {`url "example.com/hook"`, "want http://HOST/PATH"},
		`{http: {url: "https://h", headers: {Authorization: k3y}}}`:  {"headers.Authorization", "want it in secret_headers"},
		`{http: {url: "https://h", secret: {env: NOT_SET}}}`:         {`secret.env "NOT_SET"`, "want a variable that is set"},
		`{http: {url: "https://h", secret: {fiel: /k}}}`:             {"fiel", "did you mean file?"},
		`{http: {url: "https://h", secret: {credential: /etc/key}}}`: {`credential "/etc/key"`, "the name of a credential, not a path"},
		`{http: {url: "https://h", secret: {credential: hook}}}`:     {`credential "hook"`, "LoadCredential=hook:FILE"},
		`{http: {url: "https://h", previous_secret: {env: OLD}}}`:    {"previous_secret", "without secret"},
		`{http: {url: "https://h", redirects: 20}}`:                  {"redirects 20", "want 0 to 10"},
	} {
		code, stdout, stderr := call(t, "queues: {default: 1, mail: 1}\nhandlers: {a: "+handler+"}\n")
		if code != cli.ExitUsage || stdout != "" || strings.Count(stderr, "\n") != 1 || strings.Contains(stderr, "k3y") {
			t.Errorf("%s: exit %d, %q, %q", handler, code, stdout, stderr)
		}
		for _, text := range want {
			if !strings.Contains(stderr, text) {
				t.Errorf("%s: no %q in %q", handler, text, stderr)
			}
		}
	}
}
