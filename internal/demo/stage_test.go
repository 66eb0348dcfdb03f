package demo

import (
	"errors"
	"os"
	"testing"
)

func TestStageEndsAllThatItStarted(t *testing.T) {
	t.Parallel()
	s, err := openStage()
	if err != nil {
		t.Fatal(err)
	}
	closed := false
	s.last = append(s.last, func() { closed = true })
	for name, script := range map[string]string{
		"obedient": "exec sleep 60",
		"stubborn": "trap '' TERM; echo ready; exec sleep 60",
		"done":     "exit 0",
	} {
		if _, err := s.start(name, "sh", "-c", script); err != nil {
			t.Fatal(err)
		}
	}
	for _, c := range s.children {
		err := until(t.Context(), startTimeout, c.name, func() (bool, error) {
			return c.name == "obedient" || c.words() == "ready" || c.hasExited(), nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := s.check(); err != nil {
		t.Errorf("%v; want no complaint of one that ended well", err)
	}
	if err := s.close(); err != nil {
		t.Fatal(err)
	}
	for _, c := range s.children {
		if !c.hasExited() {
			t.Errorf("%s still runs", c.name)
			c.kill()
		}
	}
	if !closed {
		t.Error("the server is not closed")
	}
	if _, err := os.Stat(s.dir); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the directory is left: %v", err)
	}
}
