package produce

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/drayhorse/drayhorse/internal/cli"
	"github.com/drayhorse/drayhorse/internal/httpapi"
)

func tokenCommand() *cobra.Command {
	return cli.Def[struct{}]{
		Name:  "token",
		Args:  []string{"NAME"},
		Short: "Make a token for clients of serve",
		Long: `Make a token for clients of serve. Its first line of output is the token, for the
client; it is not kept anywhere. The rest is an entry for the token file, which has
the token's hash. Say in it what the token may do:

  tokens:
    - name: shop
      sha256: "..."
      enqueue: [mail, orders]   # queues, or "*" for all
      read: ["*"]
      cancel: [mail/welcome]    # QUEUE/KIND: jobs of that kind alone
      rate: 100                 # jobs a second; without it that of --rate

docs/http.md has the other limits that a token may have.`,
		Example: "  producer token shop",
		Run: func(_ context.Context, call *cli.Call, _ *struct{}) error {
			if err := httpapi.ValidateTokenName(call.Args[0]); err != nil {
				return err
			}
			token := httpapi.NewToken()
			return call.Print(fmt.Sprintf("%s\n  - name: %q\n    sha256: %q\n    enqueue: [default]\n    read: []\n    cancel: []\n",
				token, call.Args[0], httpapi.HashOf(token)))
		},
	}.Command()
}
