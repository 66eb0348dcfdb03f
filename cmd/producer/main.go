// Producer puts jobs in; see producer --help.
package main

import (
	"github.com/drayhorse/drayhorse/internal/cli"
	"github.com/drayhorse/drayhorse/internal/cli/produce"
)

func main() { cli.Main(produce.Command()) }
