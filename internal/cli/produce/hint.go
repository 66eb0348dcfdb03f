package produce

import (
	"context"
	"time"

	"github.com/drayhorse/drayhorse"
	"github.com/drayhorse/drayhorse/admin"
	"github.com/drayhorse/drayhorse/internal/cli"
)

// hintAfter is after how long a wait says why a job does not run, and how often it looks.
const hintAfter = 3 * time.Second

// hinter says on stderr why a job that is waited for is not claimed, once for each reason.
// Where the workers cannot be listed, which some logins may not, it says nothing.
func hinter(where cli.Connection, call *cli.Call) (hint func(context.Context, *drayhorse.Info), done func()) {
	var a *admin.Admin
	said := ""
	hint = func(ctx context.Context, info *drayhorse.Info) {
		if info.State != drayhorse.Available {
			return
		}
		if a == nil {
			made, err := admin.New(admin.Config{RedisURL: where.RedisURL.Reveal(), Namespace: where.Namespace})
			if err != nil {
				return
			}
			a = made
		}
		if why, err := a.WhyWaits(ctx, info.Queue, info.Kind); err == nil && why != "" && why != said {
			call.Notef("waiting: %s", why)
			said = why
		}
	}
	return hint, func() {
		if a != nil {
			_ = a.Close()
		}
	}
}
