package chaos

import (
	"flag"
	"os"
	"testing"
	"time"

	"github.com/drayhorse/drayhorse/internal/redistest"
)

var (
	rowFlag     = flag.String("row", "", "rows of the matrix to run, with commas between; all: all but the soak; empty: the smoke")
	seedFlag    = flag.Uint64("seed", 0, "seed of the traffic and the faults; 0: another one each time")
	atOnceFlag  = flag.Int("at-once", 3, "rows to run beside each other, of those that do not want to be alone")
	soakFlag    = flag.Duration("soak", 0, "how long to make random faults; 0: not at all")
	limitsFlag  = flag.Duration("limits", 30*time.Second, "how long the row of limits makes faults")
	flowsFlag   = flag.Int("flows", 5, "how many batches, and how many flows, the rows of flows have")
	membersFlag = flag.Int("members", 2_000, "members of each of these batches")
	stepsFlag   = flag.Int("steps", 200, "steps of each of these flows")
	reportFlag  = flag.String("report", "", "file to write the table of results to, as Markdown")
)

func TestMain(m *testing.M) {
	if text := os.Getenv(planEnv); text != "" {
		runChild(text)
		return
	}
	flag.Parse()
	if isSmoke() { // its tests mostly wait
		if err := flag.Set("test.parallel", "8"); err != nil {
			panic(err)
		}
	}
	redistest.Main(m)
}

// patience is how long a fact that is bound to come is waited for.
const patience = 30 * time.Second
