package schedules

import (
	"cmp"
	"fmt"
	"hash/fnv"
	"maps"
	"slices"
	"strings"

	"github.com/drayhorse/drayhorse"
)

// Programs that nobody has given a source may have the same default name: two services
// whose binaries are alike, two modules of one, two containers with a file of the same
// path. They must not take each other's schedules for old ones of their own. So each set
// of schedules has a name of its own below the default, and a program knows its set by the
// schedules that it declares still.

// setMark stands between a default name and the mark of a set.
const setMark = "@"

// isDefault reports whether a source is one of the default name.
func (s *Source) isDefault(name string) bool {
	if s.Default == "" || name == "" {
		return false
	}
	return name == s.Default || strings.HasPrefix(name, s.Default+setMark)
}

// own gives the name of the set that the source declares where nobody has named it: that
// of which it declares the most schedules; where it declares none that is known, a new
// one. An empty set is that of the only one that is there.
func (s *Source) own(stored []*Status) string {
	declared := map[string]bool{}
	for i := range s.Declarations {
		declared[s.Declarations[i].ID] = true
	}
	sets := map[string]int{} // how many of each are declared here
	for _, o := range stored {
		if s.isDefault(o.Source) {
			sets[o.Source] += 0
			if declared[o.ID] {
				sets[o.Source]++
			}
		}
	}
	if len(sets) == 0 {
		return s.Default
	}
	names := slices.Sorted(maps.Keys(sets))
	best := slices.MaxFunc(names, func(a, b string) int { return cmp.Compare(sets[a], sets[b]) })
	if sets[best] > 0 || len(declared) == 0 && len(sets) == 1 {
		return best
	}
	if _, taken := sets[s.Default]; !taken && len(declared) > 0 {
		return s.Default
	}
	return s.Default + setMark + mark(slices.Sorted(maps.Keys(declared)))
}

// mark tells sets of schedules apart, alike in all replicas.
func mark(ids []string) string {
	h := fnv.New32a()
	for _, id := range ids {
		_, _ = h.Write([]byte(id + " "))
	}
	return fmt.Sprintf("%08x", h.Sum32())
}

// maxDefault is how long a default name may be, in bytes: two marks have room behind it.
const maxDefault = drayhorse.MaxNameLength - 18

// DefaultSource makes a default name of a path, alike for the same path: with slashes
// as colons, and where something else had to be replaced or left out, a mark.
func DefaultSource(path string) string {
	name := []byte(strings.ReplaceAll(strings.Trim(path, "/"), "/", ":"))
	changed := len(name) == 0
	for i := range name {
		if name[i] == setMark[0] || drayhorse.ValidateID(string(name[i:i+1])) != nil {
			name[i], changed = '-', true
		}
	}
	if len(name) > maxDefault {
		name, changed = name[len(name)-maxDefault:], true
	}
	if changed {
		return string(name) + "-" + mark([]string{path})
	}
	return string(name)
}
