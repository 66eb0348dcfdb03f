package redistest

import (
	"strconv"
	"testing"
	"time"
)

func TestClusterServesAllSlots(t *testing.T) {
	t.Parallel()
	c := StartCluster(t, 3, 0, WithPassword("s3cret"))
	client := c.Client(t)
	for i := range 100 {
		if err := client.Set(t.Context(), strconv.Itoa(i), i, 0).Err(); err != nil {
			t.Fatal(err)
		}
	}
	for _, node := range c.Nodes {
		if n := node.Client(t).DBSize(t.Context()).Val(); n == 0 {
			t.Errorf("%s holds no key", node.Addr)
		}
	}
}

func TestClusterReplacesAMaster(t *testing.T) {
	t.Parallel()
	c := StartCluster(t, 3, 1)
	client := c.Client(t)
	c.Nodes[0].Kill()
	Eventually(t, 20*time.Second, "every slot served", func() bool {
		for i := range 30 {
			if client.Set(t.Context(), strconv.Itoa(i), i, 0).Err() != nil {
				return false
			}
		}
		return true
	})
}
