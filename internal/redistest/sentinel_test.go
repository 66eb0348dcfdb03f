package redistest

import (
	"testing"
	"time"
)

func TestSentinelElects(t *testing.T) {
	t.Parallel()
	for name, opts := range map[string][]Option{"open": nil, "password": {WithPassword("s3cret")}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g := StartSentinel(t, opts...)
			old := g.KillPrimary(t)
			Eventually(t, 15*time.Second, "a new primary", func() bool { return g.Primary(t) != old })
		})
	}
}
