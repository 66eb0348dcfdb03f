// Package reload takes files over again while a program runs: all of a change or nothing of it.
package reload

import (
	"bytes"
	"context"
	"time"
)

// Every is how often files are looked at. Reading small files is cheap, and sees
// what neither their time nor a watch of their inodes would: two changes within one tick
// of the clock, a rename, a symbolic link that leads elsewhere.
const Every = 250 * time.Millisecond

// Content is that of files, which is taken over whenever it has changed. Its methods are not
// for concurrent use.
type Content struct {
	Read  func() ([]byte, error)
	Apply func(content []byte) error
	Told  func(ctx context.Context, err error) // of each change: nil, or why it was not taken over

	applied, seen []byte // what is in force, or was tried last; what was there at the last look
}

// Open takes over what there is.
func (c *Content) Open() error {
	content, err := c.Read()
	if err == nil {
		err = c.Apply(content)
	}
	c.applied, c.seen = content, content
	return err
}

// Watch takes changes over until ctx ends.
func (c *Content) Watch(ctx context.Context) {
	ticker := time.NewTicker(Every)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
			c.Look(ctx)
		}
	}
}

// Look takes over what has not changed since the last look: a file that is being written
// is not read in the middle, and two files are not written in the same moment.
func (c *Content) Look(ctx context.Context) {
	content, err := c.Read()
	if err != nil {
		content = []byte(err.Error()) // so that it is told once
	}
	settled := bytes.Equal(content, c.seen)
	c.seen = content
	if !settled || bytes.Equal(content, c.applied) {
		return
	}
	c.applied = content
	if err == nil {
		err = c.Apply(content)
	}
	c.Told(ctx, err)
}
