package drayhorse

import "fmt"

// Group puts the job in a group of its queue, such as the tenant that it is for. The groups of a
// queue that have jobs in line take turns, so that each gets the same share of the starts however
// many jobs it has; jobs of no group are one more of them. A job of a higher [Priority] starts
// before the turns of a lower one, and within a group the first one starts first. A [Unique] job
// of a group is so among those of it. A name has the letters of an ID. In a queue of several
// partitions the group says in which one a job is, so that it cannot have an ID of the caller's own
// as well. Default: none.
func Group(name string) Option {
	return option{FieldGroup, func(s *Settings) { s.Group = name }}
}

// ValidateGroup reports why name cannot be the name of a group, as ErrInvalid.
func ValidateGroup(name string) error {
	if !validName(name, true) {
		return fmt.Errorf("%w: group %q; want 1-%d of letters, digits and _ . : - @", ErrInvalid, clip(name), MaxNameLength)
	}
	return nil
}
