package size_test

import (
	"bytes"
	"encoding/json"
	"os"
	"strings"
	"testing"

	"github.com/drayhorse/drayhorse/internal/cli"
	"github.com/drayhorse/drayhorse/internal/cli/size"
)

func call(t *testing.T, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	var out, err bytes.Buffer
	p := cli.Process{Args: args, LookupEnv: func(string) (string, bool) { return "", false }, Stdin: strings.NewReader(""), Stdout: &out, Stderr: &err}
	code = p.Run(t.Context(), size.Command())
	return code, out.String(), err.String()
}

func TestSizeReckons(t *testing.T) {
	t.Parallel()
	var n struct {
		Parts []struct {
			What        string
			Jobs, Bytes int
			BytesEach   int `json:"bytes_each"`
		}
		Bytes, MaxMemory, Connections int
		AtMost                        int `json:"connections_at_most"`
		CPU                           float64
	}
	code, out, stderr := call(t, "--rate", "100", "--outage", "1h", "--args", "100", "--workers", "4", "--schedulers", "2", "--producers", "10", "--cpus", "2", "--json")
	if err := json.Unmarshal([]byte(out), &n); code != 0 || err != nil {
		t.Fatalf("exit %d, %v: %s %s", code, err, out, stderr)
	}
	if len(n.Parts) != 1 || n.Parts[0].Jobs != 360_000 || n.Parts[0].Bytes != 360_000*n.Parts[0].BytesEach || n.MaxMemory != 2*n.Bytes {
		t.Errorf("got %+v", n)
	}
	if n.Connections != 4*2+2*5+10 || n.AtMost != n.Connections+16*20 || n.CPU < 0.0005 || n.CPU > 0.001 {
		t.Errorf("got %+v", n)
	}
}

func TestSizeSaysWhatIsNotKept(t *testing.T) {
	t.Parallel()
	for want, args := range map[string][]string{
		"of 864000 completed jobs the last 100000 are kept, 100000 in each partition: for all of them want 9 partitions or more": {"--rate", "10", "--retain", "1d"},
		"one core of Redis does not do that: want a Cluster, and 2 partitions or more":                                           {"--rate", "200000"},
		"the default maxclients is 10000: want":                                                                                  {"--workers", "600"},
	} {
		if code, out, stderr := call(t, args...); code != 0 || !strings.Contains(out, want) {
			t.Errorf("%v: exit %d: %s %s; want %q", args, code, out, stderr, want)
		}
	}
}

func TestSizeRefusesTheImpossible(t *testing.T) {
	t.Parallel()
	for want, args := range map[string][]string{
		"--rate -1; want 0 to": {"--rate", "-1"}, "--args -1; want 0 to 1048576": {"--args", "-1"}, "--cpus 0; want 1 to": {"--cpus", "0"},
		`--outage "1"; want a duration`: {"--outage", "1"}, "--retain -24h0m0s; want 0 to 10 years": {"--retain", "-1d"}, "--backlog -5; want 0": {"--backlog", "-5"},
	} {
		if code, _, stderr := call(t, args...); code != cli.ExitUsage || !strings.Contains(stderr, want) {
			t.Errorf("%v: exit %d: %s; want %q", args, code, stderr, want)
		}
	}
}

// TestThePageShowsWhatSizeSays holds docs/operating.md to the verb.
func TestThePageShowsWhatSizeSays(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile("../../../docs/operating.md")
	if err != nil {
		t.Fatal(err)
	}
	const command = "drayhorse size --rate 50 --args 400 --outage 2h --retain 1d --result 100 --workers 4"
	code, out, stderr := call(t, strings.Fields(command)[2:]...)
	if want := command + "\n```\n\n```text\n" + out + "```\n"; code != 0 || !strings.Contains(string(page), want) {
		t.Errorf("exit %d, %s: the page has not\n%s", code, stderr, want)
	}
}
