package cli

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/drayhorse/drayhorse/internal/conf"
)

// given is the flag of a setting. It keeps what was given until load puts it in
// its place above the file and the environment.
type given struct {
	setting
	texts []string
}

func (g *given) Set(text string) error {
	if err := conf.Assign(reflect.New(g.value.Type()).Elem(), text); err != nil {
		return err
	}
	g.texts = append(g.texts, text)
	return nil
}

// String gives the default, for the help.
func (g *given) String() string {
	if g == nil || !g.value.IsValid() || g.value.IsZero() {
		return ""
	}
	return fmt.Sprint(g.value.Interface())
}

func (g *given) Type() string {
	switch {
	case g.arg != "":
		return g.arg
	case g.value.Type() == reflect.TypeFor[bool]():
		return "bool"
	}
	return strings.ToUpper(strings.TrimPrefix(strings.TrimPrefix(g.value.Type().String(), "*"), "time."))
}

var _ pflag.Value = (*given)(nil)

// Which settings a command declares itself, and which the root of its program.
const (
	ownSettings    = false
	sharedSettings = true
)

// declare adds the flags of a config: the shared ones, or the others.
func declare(flags *pflag.FlagSet, config any, shared bool) {
	flags.SortFlags = false
	common := settings(&Common{})
	for _, s := range settings(config) {
		isShared := slices.ContainsFunc(common, func(c setting) bool { return c.flag == s.flag })
		if isShared != shared {
			continue
		}
		f := flags.VarPF(&given{setting: s}, s.flag, s.short, s.usage)
		if f.Value.Type() == "bool" || s.bare {
			f.NoOptDefVal = "true"
		}
	}
}

// flagError words what pflag found wrong.
func flagError(cmd *cobra.Command, err error) error {
	if e, ok := errors.AsType[*pflag.InvalidValueError](err); ok {
		if v, ok := errors.AsType[*conf.ValueError](err); ok {
			return Usagef("--%s %s", e.GetFlag().Name, v.Error())
		}
		if e.GetFlag().Value.Type() == "bool" {
			return Usagef("--%s %q; want true or false", e.GetFlag().Name, e.GetValue())
		}
		return Usagef("--%s: %s", e.GetFlag().Name, oneLine(e.Unwrap().Error()))
	}
	if e, ok := errors.AsType[*pflag.ValueRequiredError](err); ok {
		return Usagef("--%s has no value; want --%s %s", e.GetFlag().Name, e.GetFlag().Name, e.GetFlag().Value.Type())
	}
	if e, ok := errors.AsType[*pflag.NotExistError](err); ok {
		var names []string
		cmd.Flags().VisitAll(func(f *pflag.Flag) { names = append(names, "--"+f.Name) })
		if short := e.GetSpecifiedShortnames(); short != "" {
			return Usagef("flag -%s is not known%s", short, meantByLetters(cmd, short, names))
		}
		name := "--" + e.GetSpecifiedName()
		return Usagef("flag %s is not known%s", name, conf.DidYouMean(name, names, "; see "+cmd.CommandPath()+" --help"))
	}
	return Usagef("%s; see %s --help", oneLine(err.Error()), cmd.CommandPath())
}

// meantByLetters says which flags one may have meant that was written with one dash.
func meantByLetters(cmd *cobra.Command, letters string, names []string) string {
	if len(letters) > 1 {
		if meant := conf.Nearest("--"+letters, names); meant != "" {
			return "; did you mean " + meant + "?"
		}
	}
	begin := slices.DeleteFunc(slices.Clone(names), func(name string) bool { return !strings.HasPrefix(name, "--"+letters[:1]) })
	if len(begin) == 0 || len(begin) > 4 {
		return "; see " + cmd.CommandPath() + " --help"
	}
	return "; did you mean " + either(begin) + "?"
}
