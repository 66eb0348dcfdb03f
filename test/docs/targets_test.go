package docs_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

var (
	target = regexp.MustCompile(`(?m)^([a-z][a-z-]*):`)
	called = regexp.MustCompile("(?m)(?:`|^|run: )make ([a-z][a-z-]*)")
	matrix = regexp.MustCompile(`target: \[(.*)\]`)
)

// TestTargetsAreThere: what pages and workflows call with make is in the Makefile.
func TestTargetsAreThere(t *testing.T) {
	t.Parallel()
	there := map[string]bool{}
	for _, m := range target.FindAllStringSubmatch(read(t, "Makefile"), -1) {
		there[m[1]] = true
	}
	workflows, err := filepath.Glob(filepath.Join(root, ".github/workflows/*.yml"))
	if err != nil || len(workflows) == 0 {
		t.Fatalf("workflows %v, %v", workflows, err)
	}
	n := 0
	want := func(where, name string) {
		if n++; !there[name] {
			t.Errorf("%s calls make %s, which the Makefile does not have", where, name)
		}
	}
	for _, path := range workflows {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range called.FindAllSubmatch(text, -1) {
			want(path, string(m[1]))
		}
		for _, m := range matrix.FindAllSubmatch(text, -1) {
			for item := range strings.SplitSeq(string(m[1]), ",") {
				want(path, strings.Fields(strings.Trim(item, ` "`))[0])
			}
		}
	}
	for _, page := range pages(t) {
		for _, m := range called.FindAllStringSubmatch(read(t, page), -1) {
			want(page, m[1])
		}
	}
	if n < 30 {
		t.Errorf("%d calls were found, want those of all pages", n)
	}
}
