package cli

import (
	"context"
	"log/slog"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
)

// completeWithin is how long a shell waits for names that Redis has.
const completeWithin = time.Second

// Names gives what a shell may complete, from Redis say. What ends in a colon or a dot goes on
// without a space. An error is nothing to complete.
type Names[C any] func(ctx context.Context, call *Call, cfg *C) ([]string, error)

// complete has the shell complete what the command takes: arguments and flags by their
// names, flags of fixed values by these. File names are left to flags that take files.
func (d Def[C]) complete(cmd *cobra.Command) {
	cmd.ValidArgsFunction = cobra.NoFileCompletions
	if d.Complete != nil {
		cmd.ValidArgsFunction = d.ask(d.Complete)
	}
	defaults := d.Config
	for _, s := range settings(&defaults) {
		if cmd.Flags().Lookup(s.flag) == nil {
			continue // the root has it
		}
		if names := d.CompleteFlags[s.flag]; names != nil {
			_ = cmd.RegisterFlagCompletionFunc(s.flag, d.ask(names)) // the flag is there
			continue
		}
		s.complete(cmd)
	}
}

// complete has a shell complete a flag without asking anybody.
func (s setting) complete(cmd *cobra.Command) {
	switch {
	case len(s.values) > 0:
		_ = cmd.RegisterFlagCompletionFunc(s.flag, cobra.FixedCompletions(s.values, cobra.ShellCompDirectiveNoFileComp))
	case s.arg != "FILE":
		_ = cmd.RegisterFlagCompletionFunc(s.flag, cobra.NoFileCompletions)
	}
}

// ask makes a function for cobra, which reads the settings as a run does.
func (d Def[C]) ask(names Names[C]) cobra.CompletionFunc {
	return func(cmd *cobra.Command, given []string, typed string) ([]string, cobra.ShellCompDirective) {
		p := processOf(cmd.Context())
		cfg := d.Config
		if _, err := load(cmd.Flags(), p.LookupEnv, &cfg); err != nil {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		if c, ok := any(&cfg).(interface{ readURL() error }); ok && c.readURL() != nil {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		ctx, cancel := context.WithTimeout(cmd.Context(), completeWithin)
		defer cancel()
		call := &Call{
			Args: given, Typed: typed, LookupEnv: p.LookupEnv, Stdin: p.Stdin, Stdout: p.Stdout, Stderr: p.Stderr, Log: slog.New(slog.DiscardHandler),
		}
		all, err := names(ctx, call, &cfg)
		if err != nil {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		how := cobra.ShellCompDirectiveNoFileComp
		if slices.ContainsFunc(all, func(one string) bool { return strings.HasSuffix(one, ":") || strings.HasSuffix(one, ".") }) {
			how |= cobra.ShellCompDirectiveNoSpace
		}
		return all, how
	}
}
