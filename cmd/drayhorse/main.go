// Drayhorse is the operator's tool, with all programs in it; see drayhorse --help.
package main

import (
	"github.com/drayhorse/drayhorse/internal/cli"
	"github.com/drayhorse/drayhorse/internal/cli/dev"
	"github.com/drayhorse/drayhorse/internal/cli/migrate"
	"github.com/drayhorse/drayhorse/internal/cli/operate"
	"github.com/drayhorse/drayhorse/internal/cli/produce"
	"github.com/drayhorse/drayhorse/internal/cli/schedule"
	"github.com/drayhorse/drayhorse/internal/cli/work"
	"github.com/drayhorse/drayhorse/internal/demo"
)

func main() {
	cli.Main(cli.Group("drayhorse", "Background jobs on Redis: all programs in one, and the verbs that see and steer",
		dev.Command(),
		demo.Command(),
		work.Command(),
		produce.Command(),
		schedule.Command(),
		operate.JobsCommand(),
		operate.QueuesCommand(),
		operate.WorkersCommand(),
		schedule.SchedulesCommand(),
		migrate.AsynqCommand(),
	))
}
