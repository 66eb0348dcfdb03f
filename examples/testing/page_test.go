package testing_test

import (
	"os"
	"strings"
	"testing"
)

// TestPageShowsThisTest holds the page on testing to the test that really runs.
func TestPageShowsThisTest(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile("../../docs/testing.md")
	if err != nil {
		t.Fatal(err)
	}
	shown, err := os.ReadFile("signup_test.go")
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(page), "```go\n"+string(shown)+"```\n") {
		t.Error("docs/testing.md does not show signup_test.go as it is")
	}
}
