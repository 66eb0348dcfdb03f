package httpapi

import (
	"bytes"
	"context"
	"time"
)

// reloadEvery is how often files are looked at. Reading small files is cheap, and sees
// what neither their time nor a watch of their inodes would: two changes within one tick
// of the clock, a rename, a symbolic link that leads elsewhere.
const reloadEvery = 250 * time.Millisecond

// watched is content of files that is taken over again, all or nothing, whenever it has
// changed.
type watched struct {
	read          func() ([]byte, error)
	apply         func(content []byte) error
	told          func(ctx context.Context, err error) // of each change: nil, or why it was not taken over
	applied, seen []byte                               // what is in force, or was tried last; what was there at the last look
}

// open takes over what there is.
func (w *watched) open() error {
	content, err := w.read()
	if err == nil {
		err = w.apply(content)
	}
	w.applied, w.seen = content, content
	return err
}

// watch takes changes over until ctx ends.
func (w *watched) watch(ctx context.Context) {
	ticker := time.NewTicker(reloadEvery)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
			w.look(ctx)
		}
	}
}

// look takes over what has not changed since the last look: a file that is being written
// is not read in the middle, and two files are not written in the same moment.
func (w *watched) look(ctx context.Context) {
	content, err := w.read()
	if err != nil {
		content = []byte(err.Error()) // so that it is told once
	}
	settled := bytes.Equal(content, w.seen)
	w.seen = content
	if !settled || bytes.Equal(content, w.applied) {
		return
	}
	w.applied = content
	if err == nil {
		err = w.apply(content)
	}
	w.told(ctx, err)
}
