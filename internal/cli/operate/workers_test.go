package operate_test

import (
	"encoding/json"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/drayhorse/drayhorse/admin"
	"github.com/drayhorse/drayhorse/internal/redistest"
)

func TestWorkersAreListedAndShown(t *testing.T) {
	t.Parallel()
	o := setup(t)
	if code, stdout, stderr := o.call("workers", "list"); code != 0 || stdout != "" || stderr != "no workers\n" {
		t.Errorf("exit %d, %q, %q", code, stdout, stderr)
	}
	o.says("[]\n", "workers", "list", "--json")
	o.work()
	var workers []admin.Worker
	redistest.Eventually(t, soon, "a worker is listed", func() bool {
		_, stdout, _ := o.call("workers", "list", "--json")
		return json.Unmarshal([]byte(stdout), &workers) == nil && len(workers) == 1
	})
	w := workers[0]
	pid := strconv.Itoa(os.Getpid())
	code, stdout, _ := o.call("workers", "list")
	row := []string{w.ID, w.Host, pid, "working", "0/5", "0"}
	if got := strings.Fields(stdout)[8:]; code != 0 || !slices.Equal(got[:6], row) || got[8] != "default=1" {
		t.Errorf("exit %d, no %v in %s", code, row, stdout)
	}
	o.says(w.ID+"\n", "workers", "ls", "-o", "name")
	code, stdout, _ = o.call("workers", "show", w.ID[:8])
	for _, want := range []string{"ID         " + w.ID + "\n", "PID        " + pid + "\n", "State      working\n", "Kinds      any other\n", "Running    0 of 5\n"} {
		if code != 0 || !strings.Contains(stdout, want) {
			t.Errorf("exit %d, no %q in %s", code, want, stdout)
		}
	}
}
