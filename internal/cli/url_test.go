package cli_test

import (
	"strings"
	"testing"

	"github.com/drayhorse/drayhorse/internal/cli"
)

func TestURLOfRedisFromAFile(t *testing.T) {
	t.Parallel()
	file := write(t, "\n redis://:s3cret@h:1/2 \n")
	for _, o := range []outcome{
		call(t, nil, "--redis-file", file),
		call(t, map[string]string{"DRAYHORSE_REDIS_URL_FILE": file}),
		call(t, nil, "--config", write(t, "redis_url_file: "+file)),
	} {
		if o.code != cli.ExitOK || o.cfg == nil || o.cfg.RedisURL.Reveal() != "redis://:s3cret@h:1/2" {
			t.Errorf("got %+v", o)
		}
	}
	if o := call(t, nil, "--redis-file", file, "--print-config"); strings.Contains(o.stdout, "s3cret") || !strings.Contains(o.stdout, "redis_url: redis://:***@h:1/2\n") {
		t.Errorf("printed as %s", o.stdout)
	}
	for want, args := range map[string][]string{
		"want one of them":         {"--redis-file", file, "--redis", "redis://:s3cret@h"},
		"no such file":             {"--redis-file", "/no/such/file"},
		"is a directory":           {"--redis-file", t.TempDir()},
		"is empty; want":           {"--redis-file", write(t, " \n")},
		"a file of at most 65536 ": {"--redis-file", write(t, strings.Repeat("x", 70_000))},
	} {
		o := call(t, nil, args...)
		if o.code != cli.ExitUsage || o.cfg != nil || !strings.Contains(o.stderr, want) || strings.Count(o.stderr, "\n") != 1 || strings.Contains(o.stderr, "s3cret") {
			t.Errorf("%q: exit %d, %q; want %q", args, o.code, o.stderr, want)
		}
	}
}
