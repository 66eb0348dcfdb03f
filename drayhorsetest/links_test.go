package drayhorsetest_test

import (
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// TestProgramsDoNotLinkIt keeps what is for tests out of what applications and the
// programs import; drayhorse alone has an embedded server, for dev and demo.
func TestProgramsDoNotLinkIt(t *testing.T) {
	t.Parallel()
	const module = "github.com/drayhorse/drayhorse/"
	for packages, unwanted := range map[string][]string{
		"producer worker scheduler admin lock tracing cmd/producer cmd/worker cmd/scheduler": {
			module + "drayhorsetest", module + "internal/embedded", "github.com/alicebob/miniredis/v2", "testing",
		},
		"cmd/drayhorse": {module + "drayhorsetest", "testing"},
	} {
		args := []string{"list", "-deps"}
		for name := range strings.FieldsSeq(packages) {
			args = append(args, module+name)
		}
		out, err := exec.CommandContext(t.Context(), "go", args...).Output()
		if err != nil {
			t.Fatal(err)
		}
		linked := strings.Fields(string(out))
		for _, u := range unwanted {
			if slices.Contains(linked, u) {
				t.Errorf("%s: one of them links %s", packages, u)
			}
		}
	}
}
