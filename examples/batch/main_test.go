package main

import (
	"bytes"
	"slices"
	"strings"
	"testing"

	"github.com/drayhorse/drayhorse/internal/embedded"
)

// TestAnImport says what the program's comment says; run again it imports nothing twice.
func TestAnImport(t *testing.T) {
	t.Parallel()
	server, err := embedded.Start("")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(server.Close)
	for _, want := range [][]string{
		{"import-1 is running: 0 of 1000 lines", "first failure", "all have ended", "import-1 is failed: 990 of 1000 lines, 10 could not be imported"},
		{"import-1 is failed: 990 of 1000 lines, 10 could not be imported", "import-1 is failed: 990 of 1000 lines, 10 could not be imported"},
	} {
		var out bytes.Buffer
		if err := run(t.Context(), &out, server.URL(), "import-1", 1000); err != nil {
			t.Fatal(err)
		}
		got := strings.Split(strings.TrimSpace(out.String()), "\n")
		slices.Sort(got)
		slices.Sort(want)
		if !slices.Equal(got, want) {
			t.Errorf("it says %q; want %q", got, want)
		}
	}
}
