package cli

import "github.com/drayhorse/drayhorse"

// Tags are those of a job, one from each flag.
type Tags []string

// Add takes one more.
func (t *Tags) Add(text string) error {
	if err := drayhorse.ValidateTag(text); err != nil {
		return err
	}
	*t = append(*t, text)
	return nil
}
