package flows

import (
	"fmt"
	"testing"

	"github.com/drayhorse/drayhorse/flow"
)

// TestARowThatComesWhileItsBatchIsForgotten goes, too: its partition may have forgotten the batch
// before a member that an operator had retried ended there.
func TestARowThatComesWhileItsBatchIsForgotten(t *testing.T) {
	t.Parallel()
	store := newStore(t)
	info, err := store.Create(t.Context(), flow.Batch{ID: "b"}, 1000)
	if err != nil {
		t.Fatal(err)
	}
	tell := func() string {
		value, err := store.run(t.Context(), endsScript, "b", info.CreatedAt.UnixMilli(), "q/0", "5|1|1|0|0")
		if err != nil {
			t.Fatal(err)
		}
		return fmt.Sprint(value)
	}
	if got := tell(); got != "0" {
		t.Errorf("told: %s", got)
	}
	if err := store.client.HSet(t.Context(), store.callOn(infoScript, "b").Keys[0], "st", "dropping").Err(); err != nil {
		t.Fatal(err)
	}
	if got := tell(); got != "-1" {
		t.Errorf("told while it is forgotten: %s", got)
	}
}
