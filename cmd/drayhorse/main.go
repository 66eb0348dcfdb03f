// Drayhorse is the operator's tool, with all programs in it; see drayhorse --help. Under
// the name worker, scheduler or producer it is that program.
package main

import (
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/drayhorse/drayhorse/internal/cli"
	"github.com/drayhorse/drayhorse/internal/cli/dev"
	"github.com/drayhorse/drayhorse/internal/cli/migrate"
	"github.com/drayhorse/drayhorse/internal/cli/operate"
	"github.com/drayhorse/drayhorse/internal/cli/produce"
	"github.com/drayhorse/drayhorse/internal/cli/schedule"
	"github.com/drayhorse/drayhorse/internal/cli/size"
	"github.com/drayhorse/drayhorse/internal/cli/top"
	"github.com/drayhorse/drayhorse/internal/cli/ui"
	"github.com/drayhorse/drayhorse/internal/cli/work"
	"github.com/drayhorse/drayhorse/internal/demo"
)

func main() { cli.Main(command(os.Args[0])) }

// command gives the program that the file is called by: links to one file are all four.
func command(name string) *cobra.Command {
	switch strings.TrimSuffix(filepath.Base(name), ".exe") {
	case "worker":
		return work.Command()
	case "scheduler":
		return schedule.Command()
	case "producer":
		return produce.Command()
	}
	flows := operate.FlowsCommand()
	flows.AddCommand(produce.SubmitCommand())
	return cli.Group("drayhorse", "Background jobs on Redis: all programs in one, and the verbs to inspect and manage jobs",
		dev.Command(),
		demo.Command(),
		ui.Command(),
		top.Command(),
		work.Command(),
		produce.Command(),
		schedule.Command(),
		operate.JobsCommand(),
		operate.QueuesCommand(),
		operate.StatsCommand(),
		operate.MarksCommand(),
		operate.LimitsCommand(),
		operate.ApplyCommand(),
		operate.DiffCommand(),
		operate.ActionsCommand(),
		operate.AuditCommand(),
		flows,
		operate.PauseCommand(),
		operate.ResumeCommand(),
		operate.WorkersCommand(),
		schedule.SchedulesCommand(),
		schedule.SchedulersCommand(),
		size.Command(),
		migrate.AsynqCommand(),
	)
}
