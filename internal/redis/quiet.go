package redis

import (
	"sync"

	"github.com/redis/go-redis/v9/logging"
)

// quiet keeps go-redis from writing to the standard error of the program: it does so for
// every connection that fails, and what matters of that, an outage and its end, is
// returned or logged here. Its logger is one for the whole process. So a program that
// brings a go-redis client of its own decides for itself, and any other can: what it
// gives goredis.SetLogger after the first client holds.
var quiet = sync.OnceFunc(logging.Disable)
