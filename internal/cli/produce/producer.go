package produce

import (
	"github.com/spf13/cobra"

	"github.com/drayhorse/drayhorse/internal/cli"
	"github.com/drayhorse/drayhorse/producer"
)

// Command is the producer program.
func Command() *cobra.Command {
	return cli.Group("producer", "Enqueue jobs: one, from a file, or over HTTP; begin flows", enqueueCommand(), importCommand(), SubmitCommand(), serveCommand(), tokenCommand())
}

func open(where cli.Connection, call *cli.Call) (*producer.Producer, error) {
	return producer.New(config(where, call))
}

func config(where cli.Connection, call *cli.Call) producer.Config {
	return producer.Config{RedisURL: where.RedisURL.Reveal(), Namespace: where.Namespace, Logger: call.Log}
}
