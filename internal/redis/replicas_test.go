package redis

import (
	"testing"
	"time"
)

// TestReplicatedScriptsRunWhereverScriptsDo: also as the first call of a client, whose
// script no server knows yet, and whether or not there are replicas.
func TestReplicatedScriptsRunWhereverScriptsDo(t *testing.T) {
	t.Parallel()
	for name, url := range servers {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := open(t, url(t))
			for _, want := range []string{"a", "b"} {
				got, replicas, err := c.RunReplicated(t.Context(), Call{setScript, []string{"key"}, []any{want}}, 1, 10*time.Millisecond)
				if err != nil || got != want || replicas != 0 {
					t.Errorf("got %v, %d replicas, %v; want %s and none", got, replicas, err, want)
				}
			}
		})
	}
}
