package outbox

import (
	"testing"
	"time"
)

// TestFloorNeverPassesARow plays what a relay reads; what the locks say is in settled.
func TestFloorNeverPassesARow(t *testing.T) {
	t.Parallel()
	b := &Box{names: names{Postgres, DefaultTable}}
	rows := func(ids ...int64) (all []*row) {
		for _, id := range ids {
			all = append(all, &row{id: id})
		}
		return all
	}
	for name, c := range map[string]struct {
		floor   floor
		read    read
		want    int64
		settled int64
	}{
		"no row is left":                    {floor{settled: 100}, read{whole: true}, 101, 0},
		"an old row has come":               {floor{settled: 100}, read{whole: true, rows: rows(40, 120)}, 40, 0},
		"only later rows":                   {floor{settled: 100}, read{whole: true, rows: rows(120)}, 101, 0},
		"rows of some queues were left out": {floor{at: 5, settled: 100}, read{from: 5, rows: rows(120)}, 5, 100},
		"nothing is known":                  {floor{at: 5}, read{from: 5, whole: true, rows: rows(120)}, 5, 0},
		"numbers have begun anew":           {floor{at: 100}, read{whole: true, rows: rows(1, 2)}, 0, 0},
	} {
		f := c.floor
		f.look(t.Context(), b, &c.read, 1)
		if f.at != c.want || f.settled != c.settled {
			t.Errorf("%s: at %d, settled %d, want %d, %d", name, f.at, f.settled, c.want, c.settled)
		}
	}
	f := floor{at: 100, fullAt: time.Now()}
	if f.from() != 100 {
		t.Errorf("from %d, want 100", f.from())
	}
	f.fullAt = time.Now().Add(-2 * floorFull)
	if f.from() != 0 {
		t.Errorf("from %d after a while, want 0", f.from())
	}
}
