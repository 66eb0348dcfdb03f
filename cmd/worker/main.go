// Worker is the worker daemon; see worker --help.
package main

import (
	"github.com/drayhorse/drayhorse/internal/cli"
	"github.com/drayhorse/drayhorse/internal/cli/work"
)

func main() { cli.Main(work.Command()) }
