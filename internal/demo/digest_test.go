package demo

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"
)

// TestDigestArgv is not parallel, for it changes PATH.
func TestDigestArgv(t *testing.T) {
	self := program{"/bin/drayhorse"}
	path := t.TempDir()
	t.Setenv("PATH", path)
	for _, test := range []struct {
		installed string
		want      []string
	}{
		{"", []string{"/bin/drayhorse", "demo", "digest", "{{path}}"}},
		{"shasum", []string{"shasum", "-a", "256", "{{path}}"}},
		{"sha256sum", []string{"sha256sum", "{{path}}"}},
	} {
		if test.installed != "" {
			if err := os.WriteFile(filepath.Join(path, test.installed), nil, 0o700); err != nil {
				t.Fatal(err)
			}
		}
		if got := digestArgv(self); !slices.Equal(got, test.want) {
			t.Errorf("with %q: %q; want %q", test.installed, got, test.want)
		}
	}
}

func TestDigestPrintsWhatSha256sumDoes(t *testing.T) {
	t.Parallel()
	const file = "digest_test.go"
	want, err := exec.Command("sha256sum", file).Output()
	if err != nil {
		t.Fatal(err)
	}
	got, err := exec.Command(filepath.Join(binaries, "drayhorse"), "demo", "digest", file).Output()
	if err != nil || string(got) != string(want) {
		t.Errorf("%q, %v; want %q", got, err, want)
	}
}
