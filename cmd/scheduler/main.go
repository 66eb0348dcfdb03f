// Scheduler is the scheduler daemon; see scheduler --help.
package main

import (
	"github.com/drayhorse/drayhorse/internal/cli"
	"github.com/drayhorse/drayhorse/internal/cli/schedule"
)

func main() { cli.Main(schedule.Command()) }
