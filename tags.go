package drayhorse

import (
	"fmt"
	"slices"
)

// MaxTags is how many tags a job may have.
const MaxTags = 16

// Tags are words by which the job is found later, such as the tenant or the campaign that it
// is for: at most 16, with the letters of kinds. They do nothing else. One that is given
// twice counts once. Default: none.
func Tags(tags ...string) Option {
	return option{FieldTags, func(s *Settings) {
		s.Tags = nil
		for _, tag := range tags {
			if !slices.Contains(s.Tags, tag) {
				s.Tags = append(s.Tags, tag)
			}
		}
	}}
}

// ValidateTag reports why a tag cannot be one, as ErrInvalid.
func ValidateTag(tag string) error {
	if !validName(tag, false) {
		return fmt.Errorf("%w: tag %q; want 1-%d of letters, digits and _ . : -", ErrInvalid, clip(tag), MaxNameLength)
	}
	return nil
}

func (s *Settings) validateTags() error {
	if len(s.Tags) > MaxTags {
		return fmt.Errorf("%w: %d tags; want at most %d", ErrInvalid, len(s.Tags), MaxTags)
	}
	for _, tag := range s.Tags {
		if err := ValidateTag(tag); err != nil {
			return err
		}
	}
	return nil
}
