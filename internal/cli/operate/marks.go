package operate

import (
	"context"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"github.com/drayhorse/drayhorse/admin"
	"github.com/drayhorse/drayhorse/internal/cli"
	"github.com/drayhorse/drayhorse/internal/printable"
)

// MarksCommand is the verbs for marks.
func MarksCommand() *cobra.Command {
	return cli.Group("marks", "Mark moments such as deploys, which charts show", addMark(), listMarks())
}

func addMark() *cobra.Command {
	return cli.Def[common]{
		Name: "add", Args: []string{"TEXT"}, Config: defaults(),
		Short:   "Mark this moment on the charts of the dashboard",
		Example: `  drayhorse marks add "deploy billing 1.4.2"`,
		Run: func(ctx context.Context, call *cli.Call, cfg *common) error {
			return cfg.with(call, func(a *admin.Admin) error {
				m, err := a.AddMark(ctx, call.Args[0])
				if err != nil {
					return err
				}
				return cfg.Done(call, "marked "+m.At.UTC().Format(time.RFC3339), map[string]any{"at": m.At, "text": m.Text, "done": "marked"})
			})
		},
	}.Command()
}

func listMarks() *cobra.Command {
	return listing("List marks, the latest first",
		func(ctx context.Context, a *admin.Admin) ([]admin.Mark, error) {
			all, err := a.Marks(ctx, time.Time{}, time.Time{})
			slices.Reverse(all)
			return all, err
		},
		func(call *cli.Call, all []admin.Mark) error {
			t := cli.NewTable("AT", "MARK", "BY")
			for _, m := range all {
				t.Row(cli.Cell{Text: m.At.UTC().Format(time.RFC3339)}, cli.Cell{Text: printable.Text(m.Text)}, cli.Cell{Text: printable.Text(m.By)})
			}
			return call.Table(t, "no marks")
		})
}
