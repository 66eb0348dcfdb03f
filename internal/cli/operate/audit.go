package operate

import (
	"cmp"
	"context"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/drayhorse/drayhorse/admin"
	"github.com/drayhorse/drayhorse/internal/cli"
	"github.com/drayhorse/drayhorse/internal/printable"
)

// auditPage is how many records one look at Redis gives.
const auditPage = 200

type auditConfig struct {
	lists `yaml:",inline"`

	Refused bool   `yaml:"-" flag:"refused" usage:"what was refused, instead of what was done"`
	User    string `yaml:"-" flag:"user" arg:"NAME" usage:"of this user alone"`
	Action  string `yaml:"-" flag:"action" arg:"NAME" usage:"of this action alone, such as delete-job"`
}

// AuditCommand shows who did what on the dashboard.
func AuditCommand() *cobra.Command {
	cfg := auditConfig{lists: lists{common: defaults()}}
	cfg.Limit = 50
	return cli.Def[auditConfig]{
		Name:  "audit",
		Short: "Show who did what on the dashboard, the latest first",
		Long: `Show who did what on the dashboard, the latest first: the last 10,000 things that were
done, or with --refused the last 2,000 that were refused. Of the users of deploy/users.acl it is
for that of the dashboard.`,
		Example: `  drayhorse audit --user ann --action delete-job
  drayhorse audit --refused -n 20 --json`,
		Config: cfg,
		Run: func(ctx context.Context, call *cli.Call, cfg *auditConfig) error {
			return watch(ctx, &cfg.common, &cfg.Watching, call, func(a *admin.Admin) ([]admin.AuditRecord, error) { return cfg.records(ctx, call, a) }, showAudit)
		},
	}.Command()
}

// records reads until there are as many as are wanted.
func (c *auditConfig) records(ctx context.Context, call *cli.Call, a *admin.Admin) ([]admin.AuditRecord, error) {
	found := []admin.AuditRecord{}
	for cursor := ""; ; {
		page, err := a.Audit(ctx, c.Refused, cursor, auditPage)
		if err != nil {
			return nil, err
		}
		for _, r := range page.Records {
			if (c.User != "" && r.User != c.User) || (c.Action != "" && r.Action != c.Action) {
				continue
			}
			if c.Limit > 0 && len(found) == c.Limit {
				call.More("there are more; want --limit 0 for all")
				return found, nil
			}
			found = append(found, r)
		}
		if cursor = page.Next; cursor == "" {
			return found, nil
		}
	}
}

func showAudit(call *cli.Call, records []admin.AuditRecord) error {
	t := cli.NewTable("AT", "USER", "ROLE", "FROM", "ACTION", "ON", "RESULT", "WHY")
	for _, r := range records {
		result := cli.Cell{Text: printable.Text(r.Result)}
		if r.Result != "done" {
			result.Colour = cli.Yellow
		}
		var on []string
		for _, part := range []string{r.Queue, r.JobID, r.Sched, r.On} {
			if part != "" {
				on = append(on, part)
			}
		}
		t.Row(cli.Cell{Text: r.At.Local().Format(time.DateTime)}, cli.Cell{Text: printable.Text(cmp.Or(r.User, "-"))}, cli.Cell{Text: printable.Text(r.Role)},
			cli.Cell{Text: printable.Text(cmp.Or(r.Client, r.Peer))}, cli.Cell{Text: printable.Text(r.Action)}, cli.Cell{Text: printable.Text(strings.Join(on, " "))},
			result, cli.Cell{Text: printable.Text(r.Reason)})
	}
	return call.Table(t, "nothing is recorded")
}
