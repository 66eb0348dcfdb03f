package demo

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

// stage is what the demo has started and must end: processes, in the order of
// their start, and the directory of their files.
type stage struct {
	dir      string
	children []*child
	last     []func() // after the processes
}

func openStage() (*stage, error) {
	dir, err := os.MkdirTemp("", "drayhorse-demo-")
	if err != nil {
		return nil, err
	}
	return &stage{dir: dir}, nil
}

// path is that of a file in the stage's directory.
func (s *stage) path(name string) string { return filepath.Join(s.dir, name) }

// start starts a process that lives no longer than the stage.
func (s *stage) start(name string, argv ...string) (*child, error) {
	c, err := startChild(name, s.path(name+".log"), argv)
	if err != nil {
		return nil, fmt.Errorf("start %s: %w", name, err)
	}
	s.children = append(s.children, c)
	return c, nil
}

// check reports a process that ended by itself and not well.
func (s *stage) check() error {
	for _, c := range s.children {
		if err := c.check(); err != nil {
			return err
		}
	}
	return nil
}

// close ends the processes, the latest first, so that servers outlive those that
// they serve, and removes the files. What it returns is what is left.
func (s *stage) close() error {
	ctx, cancel := context.WithTimeout(context.Background(), stopTimeout)
	defer cancel()
	for i := len(s.children) - 1; i >= 0; i-- {
		s.children[i].stop(ctx)
	}
	for _, end := range s.last {
		end()
	}
	if err := os.RemoveAll(s.dir); err != nil {
		return errors.Join(errors.New("the demo's directory is left"), err)
	}
	return nil
}
