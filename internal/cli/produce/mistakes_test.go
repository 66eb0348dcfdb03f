package produce

import (
	"os"
	"strings"
	"testing"

	"github.com/drayhorse/drayhorse/internal/cli"
)

// TestMistypedInvocations: a slip in a command is answered by one line that says what would
// be right, before anything else happens.
func TestMistypedInvocations(t *testing.T) {
	t.Parallel()
	jobs := write(t, "jobs.ndjson", "{\"kind\":\"k\"}\n")
	array := write(t, "array.json", "[\n{\"kind\":\"k\"},\n{\"kind\":\"k\"}\n]\n")
	brackets := write(t, "brackets.yaml", "tokens: "+strings.Repeat("[", 100_000))
	unknown := write(t, "unknown.yaml", "tokens:\n  - {name: a, enqeue: [q]}\n")
	worldly := write(t, "tokens.yaml", "tokens:\n  - {name: a, sha256: \""+strings.Repeat("ab", 32)+"\", enqueue: [q]}\n")
	for _, c := range []struct {
		args []string
		want string
	}{
		{[]string{"serv"}, "did you mean serve"},
		{[]string{"serve", "--token-fle", worldly}, "did you mean --token-file"},
		{[]string{"serve", "--listen", "localhost"}, `listen "localhost"; want HOST:PORT`},
		{[]string{"serve", "--listen", ":0", "--token-file", worldly}, "want tls_cert and tls_key, a loopback address, or insecure_plaintext"},
		{[]string{"serve", "--listen", "unix:run/http.sock"}, "want unix: and an absolute path"},
		{[]string{"serve", "--listen", "unix:" + jobs}, "a file that is no socket"},
		{[]string{"serve", "--socket-mode", "rw"}, `"rw"; want an octal mode such as 0660`},
		{[]string{"serve", "--token-file", brackets}, "it has more than 25000 entries; want fewer, or several files"},
		{[]string{"serve", "--token-file", unknown}, `unknown.yaml:2: key "tokens[0].enqeue" is not known; did you mean enqueue?`},
		{[]string{"serve", "--max-queues", "-1"}, "max_queues -1; want 0 to"},
		{[]string{"serve", "--max-memory", "64"}, "max_memory 64; want"},
		{[]string{"serve", "--rate", "10/s"}, `--rate "10/s"; want a whole number`},
		{[]string{"token"}, "no NAME is given"},
		{[]string{"token", "a", "b"}, `argument "b"`},
		{[]string{"token", "evil\x1b[2J"}, "want a name of 1-128 printable characters"},
		{[]string{"token", ""}, "no name"},
		{[]string{"import"}, "no FILE|- is given"},
		{[]string{"import", "no-such-file"}, `"no-such-file": no such file or directory; want a file`},
		{[]string{"import", array}, "the input is a JSON array; want one object a line, as jq -c '.[]' writes them"},
		{[]string{"import", jobs, "--rejects", jobs}, "is the file that is imported"},
		{[]string{"import", jobs, "--dry-rn"}, "did you mean --dry-run"},
		{[]string{"import", jobs, "--max-queues", "-5"}, "max_queues -5; want"},
		{[]string{"enqueue"}, "no --kind is given"},
		{[]string{"enqueue", "digest"}, `argument "digest"`},
		{[]string{"enqueue", "--kind", "my kind"}, `kind "my kind"; want 1-128 of letters`},
		{[]string{"enqueue", "--kind", "k", "--args", "{path: x}"}, "are not JSON"},
		{[]string{"enqueue", "--kind", "k", "--args", strings.Repeat("[", 600) + strings.Repeat("]", 600)}, "nested more than 500 deep"},
		{[]string{"enqueue", "--kind", "k", "--in", "5"}, `--in "5"; want a duration such as`},
		{[]string{"enqueue", "--kind", "k", "--at", "tomorrow"}, `--at "tomorrow"; want a time such as`},
		{[]string{"enqueue", "--kind", "k", "--in", "5m", "--at", "2030-01-02T15:04:05Z"}, "given together"},
		{[]string{"enqueue", "--kind", "k", "--unique="}, "--unique= is empty; want --unique"},
		{[]string{"enqueue", "--kind", "k", "--unique", "user-42"}, `argument "user-42"`},
		{[]string{"enqueue", "--kind", "k", "--unique", "--id", "a"}, `ID("a") and Unique are given together`},
		{[]string{"enqueue", "--kind", "k", "--replace-ended"}, "ReplaceEnded without ID"},
		{[]string{"enqueue", "--kind", "k", "--max-attempts", "0"}, "want at least 1"},
	} {
		code, stdout, stderr := run(t.Context(), "", c.args...)
		if code != cli.ExitUsage || stdout != "" || strings.Count(stderr, "\n") != 1 || !strings.Contains(stderr, c.want) || len(stderr) > 400 {
			t.Errorf("%.100q: exit %d, %q, %.600q; want exit 2 and one line with %q", c.args, code, stdout, stderr, c.want)
		}
	}
	if content, err := os.ReadFile(jobs); err != nil || len(content) == 0 {
		t.Errorf("the input is overwritten: %v", err)
	}
}
