package cli

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/drayhorse/drayhorse/internal/printable"
)

// Def is a command. C is the struct of its settings; see the package comment.
type Def[C any] struct {
	Name    string
	Args    []string // names of what it takes, such as ID; the last may be "ID...", one or more, "[ID...]", any number, or "[JSON]", none or one
	Short   string   // one line, for lists of commands
	Long    string   // for its own help
	Example string
	Stops   bool // it runs until a signal stops it, or says what it waits for then
	Config  C    // the defaults
	// Check does all that Run does before it connects, so that --print-config refuses
	// what a run would refuse. nil: that is nothing.
	Check func(ctx context.Context, call *Call, cfg *C) error
	// Complete gives what a shell may complete as an argument, CompleteFlags what as the
	// value of a flag. nil: nothing.
	Complete      Names[C]
	CompleteFlags map[string]Names[C]
	// Run does the work until it is done or ctx ends.
	Run func(ctx context.Context, call *Call, cfg *C) error
}

// Settler is a config that has relations between its values. Settle fills in what
// depends on others and reports the first impossible value, as
// drayhorse.ErrInvalid.
type Settler interface{ Settle() error }

// Call is one invocation of a command.
type Call struct {
	Args           []string
	Typed          string // so far of what a shell completes
	LookupEnv      func(name string) (string, bool)
	Stdin          io.Reader
	Stdout, Stderr io.Writer
	Log            *slog.Logger // to Stderr, as the settings of Logging say

	people bool // read the log, not programs
	output Output
}

// Print writes to Stdout what is printable already.
func (c *Call) Print(text string) error {
	_, err := io.WriteString(c.Stdout, text)
	return err
}

// Println writes a line to Stdout. What it says may come from anywhere, and is made
// printable.
func (c *Call) Println(text string) error { return c.Print(printable.Text(text) + "\n") }

// Notef writes a line to Stderr, made printable as by Println.
func (c *Call) Notef(format string, args ...any) {
	_, _ = fmt.Fprintln(c.Stderr, printable.Text(fmt.Sprintf(format, args...)))
}

// HasColour reports whether colours are wanted on Stdout.
func (c *Call) HasColour() bool { return HasColour(c.Stdout, c.LookupEnv) }

// Command makes the command.
func (d Def[C]) Command() *cobra.Command {
	cmd := &cobra.Command{
		Use: strings.Join(append([]string{d.Name}, d.Args...), " "), Short: d.Short, Long: d.longHelp(),
		Example: d.Example, Version: version(), Args: cobra.ArbitraryArgs, // checked by run
		RunE: d.run, Aliases: aliases[d.Name],
	}
	defaults := d.Config
	declare(cmd.Flags(), &defaults, ownSettings)
	d.complete(cmd)
	return cmd
}

// aliases are the names that other programs have for verbs.
var aliases = map[string][]string{
	"list": {"ls"}, "get": {"show", "describe"}, "show": {"get", "describe"}, "delete": {"rm"}, "remove": {"rm", "delete"},
}

func (d Def[C]) run(cmd *cobra.Command, args []string) error {
	p := processOf(cmd.Context())
	cfg := d.Config
	from, err := load(cmd.Flags(), p.LookupEnv, &cfg)
	if err != nil {
		return err
	}
	if err = d.runWith(cmd, args, p, from, &cfg); err != nil && isUsage(err) {
		return from.lines.Locate(err)
	}
	return err
}

// runWith runs with the settings that were given.
func (d Def[C]) runWith(cmd *cobra.Command, args []string, p *Process, from *loaded, cfg *C) error {
	if c, ok := any(cfg).(interface{ readURL() error }); ok {
		if err := c.readURL(); err != nil {
			return err
		}
	}
	if s, ok := any(cfg).(Settler); ok {
		if err := s.Settle(); err != nil {
			return err
		}
	}
	call := &Call{
		Args: args, LookupEnv: p.LookupEnv, Stdin: p.Stdin, Stdout: p.Stdout, Stderr: p.Stderr,
		Log: newLogger(p, loggingOf(cfg)), people: forPeople(p, loggingOf(cfg)),
	}
	if o, ok := any(cfg).(interface{ settled() Output }); ok {
		call.output = o.settled()
	}
	for _, text := range append(from.warnings, p.misspelt(cfg)...) {
		call.Log.Warn(text)
	}
	if wanted, _ := cmd.Flags().GetBool(flagPrintConfig); wanted {
		return d.print(cmd.Context(), call, cfg)
	}
	if err := checkArgs(cmd, d.Args, args); err != nil {
		return err
	}
	return d.Run(cmd.Context(), call, cfg)
}

// print prints the settings in force, if a run would take them.
func (d Def[C]) print(ctx context.Context, call *Call, cfg *C) error {
	if c, ok := any(cfg).(interface{ validate() error }); ok {
		if err := c.validate(); err != nil {
			return err
		}
	}
	if d.Check != nil {
		if err := d.Check(ctx, call, cfg); err != nil {
			return err
		}
	}
	return printConfig(call.Stdout, cfg)
}

func checkArgs(cmd *cobra.Command, names, args []string) error {
	path, last := cmd.CommandPath(), ""
	if len(names) > 0 {
		last = names[len(names)-1]
	}
	least, many := len(names), strings.HasSuffix(strings.TrimSuffix(last, "]"), "...")
	if strings.HasPrefix(last, "[") {
		least--
	}
	switch {
	case len(args) < least:
		return Usagef("no %s is given; want %s %s", strings.TrimSuffix(names[len(args)], "..."), path, strings.Join(names, " "))
	case len(args) > len(names) && len(names) == 0:
		if paths := related(cmd, args[0]); len(paths) > 0 {
			return Usagef("argument %q; did you mean %s?", args[0], either(paths))
		}
		return Usagef("argument %q; want flags alone, see %s --help", args[0], path)
	case len(args) > len(names) && !many:
		return Usagef("argument %q; want %s %s and no more", args[len(names)], path, strings.Join(names, " "))
	}
	return nil
}

// Group makes a command that only has others below it.
func Group(name, short string, commands ...*cobra.Command) *cobra.Command {
	cmd := &cobra.Command{
		Use: name, Short: short, Version: version(), Args: cobra.ArbitraryArgs,
		FParseErrWhitelist: cobra.FParseErrWhitelist{UnknownFlags: true}, // a mistyped command is the better thing to name
		RunE:               runGroup,
	}
	cmd.AddCommand(commands...)
	return cmd
}

// runGroup runs where none of the commands below was named.
func runGroup(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return Usagef("no command is given; want %s", strings.Join(commandNames(cmd), ", "))
	}
	return unknown(cmd, args[0])
}

func commandNames(cmd *cobra.Command) []string {
	var names []string
	for _, c := range cmd.Commands() {
		if c.IsAvailableCommand() && c.Name() != "completion" && c.Name() != "help" {
			names = append(names, c.Name())
		}
	}
	return names
}

const (
	flagConfig      = "config"
	flagPrintConfig = "print-config"
	configEnv       = "DRAYHORSE_CONFIG"
)

const settingsHelp = `Every setting of --help can also be given in the environment, --log-level as
DRAYHORSE_LOG_LEVEL, and in the config file, as log_level. Flags win over the
environment, and the environment over the file. --print-config shows the outcome.`

// longHelp adds how a command stops.
func (d Def[C]) longHelp() string {
	if !d.Stops {
		return d.Long
	}
	return d.Long + "\n\n" + signalsHelp
}

// prepare makes root the root of a program.
func prepare(root *cobra.Command) {
	root.SilenceErrors, root.SilenceUsage = true, true
	root.SetVersionTemplate("{{.Version}}\n")
	root.SetFlagErrorFunc(flagError)
	root.SetHelpCommand(helpCommand(root))
	if root.Long == "" {
		root.Long = root.Short
	}
	root.Long += "\n\n" + settingsHelp
	if !strings.Contains(root.Long, signalsHelp) {
		root.Long += "\n\n" + programHelp
	}
	flags := root.PersistentFlags()
	flags.SortFlags = false
	declare(flags, &Common{Connection: DefaultConnection(), Logging: DefaultLogging()}, sharedSettings)
	for _, s := range settings(&Common{}) {
		s.complete(root)
	}
	flags.VarP(&text{}, flagConfig, "", "YAML file with settings (env "+configEnv+")")
	flags.Bool(flagPrintConfig, false, "print the settings in force, secrets masked, and exit")
	prepareCompletion(root)
}

// prepareCompletion has the command for shells refuse one that it does not know.
func prepareCompletion(root *cobra.Command) {
	root.InitDefaultCompletionCmd()
	for _, cmd := range root.Commands() {
		if cmd.Name() == "completion" {
			cmd.Args = cobra.ArbitraryArgs
			cmd.RunE = runGroup
		}
	}
}

// helpCommand shows the help of a command, and refuses what is none.
func helpCommand(root *cobra.Command) *cobra.Command {
	return &cobra.Command{
		Use: "help [COMMAND]", Short: "Help about any command", DisableFlagsInUseLine: true,
		RunE: func(_ *cobra.Command, args []string) error {
			cmd := root
			for _, name := range args {
				i := slices.IndexFunc(cmd.Commands(), func(c *cobra.Command) bool { return c.Name() == name || c.HasAlias(name) })
				if i < 0 {
					return unknown(cmd, name)
				}
				cmd = cmd.Commands()[i]
			}
			return cmd.Help()
		},
	}
}

// text is a flag that is a string, and shows itself as a file.
type text struct{ value string }

func (t *text) String() string         { return t.value }
func (t *text) Set(value string) error { t.value = value; return nil }
func (t *text) Type() string           { return "FILE" }

var _ pflag.Value = (*text)(nil)
