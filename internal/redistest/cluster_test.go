package redistest

import (
	"strconv"
	"testing"
	"time"

	goredis "github.com/redis/go-redis/v9"
)

func TestClusterServesAllSlots(t *testing.T) {
	t.Parallel()
	c := StartCluster(t, 3, 0, WithPassword("s3cret"))
	nodes := make([]*goredis.Client, len(c.Nodes))
	for i, node := range c.Nodes {
		nodes[i] = node.Client(t)
	}
	if ok, err := c.agreed(t.Context(), nodes); !ok { // from the first moment on
		t.Error(err)
	}
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
	c.Kill(t, 0)
	Eventually(t, 20*time.Second, "every slot served", func() bool {
		for i := range 30 {
			if client.Set(t.Context(), strconv.Itoa(i), i, 0).Err() != nil {
				return false
			}
		}
		return true
	})
}
