package cli

import (
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/drayhorse/drayhorse/internal/conf"
)

// words are what other programs call what is here under another name.
var words = map[string]string{
	"add": "producer enqueue", "push": "producer enqueue", "put": "producer enqueue", "publish": "producer enqueue", "submit": "producer enqueue",
	"run": "worker", "work": "worker", "start": "worker", "server": "dev", "up": "dev",
	"dash": "ui", "dashboard": "ui", "web": "ui", "monitor": "ui", "tui": "top", "htop": "top",
	"status": "queues list", "info": "queues list", "ps": "workers list", "leader": "schedulers list",
	"kill": "jobs cancel", "inspect": "jobs get", "requeue": "jobs retry", "rerun": "jobs retry", "replay": "jobs retry", "unpause": "queues resume",
	"clear": "queues purge", "empty": "queues purge", "cron": "schedules list", "crons": "schedules list",
}

// unknown is the answer to what is no command below cmd: one of that name that is
// elsewhere, one of a name like it, or all that there are.
func unknown(cmd *cobra.Command, name string) error {
	if paths := elsewhere(cmd.Root(), name); len(paths) > 0 {
		return Usagef("command %q is not known; did you mean %s?", name, either(paths))
	}
	names := commandNames(cmd)
	if conf.Nearest(name, names) == "" {
		if meant := conf.Nearest(name, allNames(cmd.Root())); meant != "" {
			return Usagef("command %q is not known; did you mean %s?", name, either(elsewhere(cmd.Root(), meant)))
		}
	}
	return Usagef("command %q is not known%s", name, conf.DidYouMean(name, names, "; want "+strings.Join(names, ", ")))
}

// elsewhere gives the commands of a name, or of an alias, as they are typed.
func elsewhere(root *cobra.Command, name string) (paths []string) {
	each(root, func(c *cobra.Command) {
		if c.Name() == name || c.HasAlias(name) {
			paths = append(paths, c.CommandPath())
		}
	})
	if len(paths) > 0 {
		return paths
	}
	each(root, func(c *cobra.Command) {
		if path := c.CommandPath(); words[name] != "" && path == root.Name()+" "+words[name] {
			paths = append(paths, path)
		}
	})
	return paths
}

// related gives the commands of a name in a group that is named like cmd: workers list for
// worker list.
func related(cmd *cobra.Command, name string) []string {
	stem := cmd.Name()[:len(cmd.Name())-1] // schedule, of scheduler and of schedules
	return slices.DeleteFunc(elsewhere(cmd.Root(), name), func(path string) bool {
		return !strings.Contains(path, " "+stem)
	})
}

func allNames(root *cobra.Command) (names []string) {
	each(root, func(c *cobra.Command) {
		if !slices.Contains(names, c.Name()) {
			names = append(names, c.Name())
		}
	})
	return names
}

// each calls act for all commands below one.
func each(cmd *cobra.Command, act func(*cobra.Command)) {
	for _, c := range cmd.Commands() {
		if c.IsAvailableCommand() && c.Name() != "completion" && c.Name() != "help" {
			act(c)
			each(c, act)
		}
	}
}

// either joins what one of may be meant.
func either(all []string) string {
	if len(all) == 1 {
		return all[0]
	}
	return strings.Join(all[:len(all)-1], ", ") + " or " + all[len(all)-1]
}
