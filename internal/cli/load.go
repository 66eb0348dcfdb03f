package cli

import (
	"errors"
	"os"
	"reflect"

	"github.com/spf13/pflag"

	"github.com/drayhorse/drayhorse/internal/conf"
)

// loaded is where a config comes from.
type loaded struct {
	lines    conf.Lines // of the values that the file has the last word on
	warnings []string   // for the log
}

// load fills a config that holds the defaults: from the file, over that from the
// environment, over that from flags.
func load(flags *pflag.FlagSet, lookupEnv func(string) (string, bool), config any) (*loaded, error) {
	from, err := loadFile(flags, lookupEnv, config)
	if err != nil {
		return nil, err
	}
	all := settings(config)
	for _, s := range all {
		if s.key == "" {
			continue
		}
		if text, ok := lookupEnv(s.env()); ok && text != "" {
			if err := s.put(text); err != nil {
				return nil, Usagef("%s %s", s.env(), err)
			}
			from.lines.Forget(s.key)
		}
	}
	var foreign error
	flags.Visit(func(f *pflag.Flag) {
		g, ok := f.Value.(*given)
		if !ok {
			return
		}
		for _, s := range all {
			if s.flag == f.Name {
				if err := s.put(g.texts...); err != nil {
					foreign = errors.Join(foreign, Usagef("--%s %s", f.Name, err))
				}
				from.lines.Forget(s.key)
				return
			}
		}
		foreign = errors.Join(foreign, Usagef("--%s has no meaning for this command; want it left out", f.Name))
	})
	return from, foreign
}

func loadFile(flags *pflag.FlagSet, lookupEnv func(string) (string, bool), config any) (*loaded, error) {
	from := &loaded{}
	path := flags.Lookup(flagConfig).Value.String()
	if path == "" && !flags.Changed(flagConfig) {
		path, _ = lookupEnv(configEnv)
		if path == "" {
			return from, nil
		}
	}
	content, err := readConfig(path)
	if err != nil {
		return nil, err
	}
	if from.lines, err = conf.Decode(path, content, configLimits, config); err != nil {
		return nil, err
	}
	if warning := conf.Writable(path); warning != "" {
		from.warnings = append(from.warnings, warning)
	}
	return from, nil
}

// configLimits bound a config file: some 20,000 schedules.
var configLimits = conf.Limits{Bytes: 16 << 20, Entries: 250_000}

func readConfig(path string) ([]byte, error) {
	const want = "want a YAML file that can be read"
	info, err := os.Stat(path)
	switch {
	case err != nil:
		return nil, Usagef("--config %q: %v; %s", path, cause(err), want)
	case info.IsDir():
		return nil, Usagef("--config %q is a directory; %s", path, want)
	case info.Size() > int64(configLimits.Bytes):
		return nil, Usagef("--config %q has %d bytes; want at most %d", path, info.Size(), configLimits.Bytes)
	}
	content, err := os.ReadFile(path) //nolint:gosec // a person names it
	if err != nil {
		return nil, Usagef("--config %q: %v; %s", path, cause(err), want)
	}
	return content, nil
}

// cause is what the system says without the path.
func cause(err error) error {
	if e, ok := errors.AsType[*os.PathError](err); ok {
		return e.Err
	}
	return err
}

// put gives the setting a new value, made of one text, or of several for one that
// is given piece by piece.
func (s setting) put(texts ...string) error {
	s.value.Set(reflect.Zero(s.value.Type()))
	for _, text := range texts {
		if err := conf.Assign(s.value, text); err != nil {
			return err
		}
	}
	return nil
}
