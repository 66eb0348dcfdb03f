package dashboard_test

import (
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// TestWorkersAndProducersLinkNoPages: who runs jobs and puts them in has none of this.
func TestWorkersAndProducersLinkNoPages(t *testing.T) {
	t.Parallel()
	const module = "github.com/drayhorse/drayhorse"
	out, err := exec.Command("go", "list", "-deps", module+"/worker", module+"/producer", module+"/scheduler", module+"/admin").Output()
	if err != nil {
		t.Fatal(err)
	}
	all := strings.Fields(string(out))
	for _, bad := range []string{module + "/dashboard", "html/template"} {
		if slices.Contains(all, bad) {
			t.Errorf("%s is linked", bad)
		}
	}
}
