package jobs

import (
	"strings"
	"testing"

	"github.com/google/uuid"

	"github.com/drayhorse/drayhorse"
)

func TestKeysOfAPartitionShareASlot(t *testing.T) {
	t.Parallel()
	e := New(nil, "ns")
	for index, tag := range []string{"ns:{q}:", "ns:{q/1}:", "ns:{q/2}:"} {
		p := newPartition(e, "q", index)
		for c := range columns {
			if want := tag + columns[c]; p.key(column(c)) != want {
				t.Errorf("key %q, want %q", p.key(column(c)), want)
			}
		}
	}
}

func TestColumnsAreNamedOnce(t *testing.T) {
	t.Parallel()
	for c, name := range columns {
		if columnOf(name) != column(c) {
			t.Errorf("column %d is %q, and so is %d", c, name, columnOf(name))
		}
	}
	if int(colHourGroups) != len(columns)-1 {
		t.Errorf("%d names for %d columns", len(columns), colHourGroups+1)
	}
}

func TestUUIDsArePacked(t *testing.T) {
	t.Parallel()
	for _, id := range []string{uuid.NewString(), uuid.Must(uuid.NewV7()).String()} {
		if stored := PackID(id); len(stored) != 16 || UnpackID(stored) != id {
			t.Errorf("%s is stored as %q and comes back as %s", id, stored, UnpackID(stored))
		}
	}
	for _, id := range []string{
		strings.ToUpper(uuid.NewString()), uuid.Nil.String(), "sixteen-bytes-ok", "", strings.Repeat("a", 36),
	} {
		if stored := PackID(id); stored != id || UnpackID(stored) != id {
			t.Errorf("%q is stored as %q", id, stored)
		}
	}
}

func TestPartitionsAreEvenlyFilled(t *testing.T) {
	t.Parallel()
	const n, each = 8, 1000
	filled := make([]int, n)
	for range n * each {
		id := uuid.Must(uuid.NewV7())
		filled[partitionOf(string(id[:]), n)]++
	}
	for i, jobs := range filled {
		if jobs < each*8/10 || jobs > each*12/10 {
			t.Errorf("partition %d has %d jobs, want about %d", i, jobs, each)
		}
	}
}

func FuzzPackID(f *testing.F) {
	f.Add("order-1")
	f.Add(uuid.NewString())
	f.Add(uuid.Nil.String())
	f.Fuzz(func(t *testing.T, id string) {
		if drayhorse.ValidateID(id) != nil {
			return
		}
		if got := UnpackID(PackID(id)); got != id {
			t.Fatalf("%q came back as %q", id, got)
		}
	})
}
