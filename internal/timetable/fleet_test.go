package timetable_test

import (
	"bufio"
	"os"
	"strings"
	"testing"

	"github.com/drayhorse/drayhorse/internal/timetable"
)

// Cron lines that people have: those of a public fleet, each in two zones, with the next
// six times that another implementation gives them. Where that refuses a line, or says
// that it never fires, this package may accept it, or refuse it with what to write
// instead.
func TestFleet(t *testing.T) {
	t.Parallel()
	file, err := os.Open("testdata/crons.tsv")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = file.Close() }()
	from := instant(t, "2026-10-28T00:00:30Z")
	lines := 0
	for scanner := bufio.NewScanner(file); scanner.Scan(); lines++ {
		fields := strings.Split(scanner.Text(), "\t")
		cron, zone, times := fields[0], fields[1], fields[2]
		table, err := timetable.Parse(timetable.Spec{Cron: cron, Timezone: zone})
		if !strings.Contains(times, "Z") {
			if err != nil && !strings.Contains(err.Error(), "want ") && !strings.Contains(err.Error(), "never fires") {
				t.Errorf("%s: %v; want it to say what to write", cron, err)
			}
			if err != nil {
				t.Logf("%s: %v", cron, err)
			}
			continue
		}
		if err != nil {
			t.Errorf("%v; want %s", err, times)
			continue
		}
		at := from
		for want := range strings.FieldsSeq(times) {
			if at = table.Next(at); !at.Equal(instant(t, want)) {
				t.Errorf("%s in %s: %v, want %s", cron, zone, at, want)
				break
			}
		}
	}
	if lines < 200 {
		t.Errorf("%d lines", lines)
	}
}
