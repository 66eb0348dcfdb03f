package embedded

import (
	"bufio"
	"bytes"
	"strings"
	"sync"

	"github.com/alicebob/miniredis/v2/server"
)

// LoseReplies has fn run while the replies to scripts are lost: they are executed, and
// the connection ends in place of the answer.
func (s *Standing) LoseReplies(fn func()) {
	var unheard sync.Map // peers whose answers go nowhere
	srv := s.redis.Server()
	srv.SetPreHook(func(peer *server.Peer, command string, args ...string) bool {
		if _, ours := unheard.Load(peer); ours || !strings.HasPrefix(command, "EVAL") {
			return false
		}
		var reply bytes.Buffer
		stand := server.NewPeer(bufio.NewWriter(&reply))
		stand.Ctx = peer.Ctx
		unheard.Store(stand, true)
		srv.Dispatch(stand, append([]string{command}, args...))
		stand.Flush()
		if strings.HasPrefix(reply.String(), "-NOSCRIPT") {
			return false // nothing was executed, and the client is to know that
		}
		peer.Close()
		return true
	})
	defer srv.SetPreHook(nil)
	fn()
}
