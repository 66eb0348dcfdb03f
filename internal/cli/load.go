package cli

import (
	"errors"
	"os"
	"reflect"

	"github.com/spf13/pflag"

	"github.com/drayhorse/drayhorse/internal/conf"
)

// load fills a config that holds the defaults: from the file, over that from the
// environment, over that from flags. The warnings are for the log.
func load(flags *pflag.FlagSet, lookupEnv func(string) (string, bool), config any) (warnings []string, err error) {
	warnings, err = loadFile(flags, lookupEnv, config)
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
				return
			}
		}
		foreign = errors.Join(foreign, Usagef("--%s is given; want it left out: this command has no such setting", f.Name))
	})
	return warnings, foreign
}

func loadFile(flags *pflag.FlagSet, lookupEnv func(string) (string, bool), config any) (warnings []string, err error) {
	path := flags.Lookup(flagConfig).Value.String()
	if path == "" && !flags.Changed(flagConfig) {
		path, _ = lookupEnv(configEnv)
		if path == "" {
			return nil, nil
		}
	}
	content, err := readConfig(path)
	if err != nil {
		return nil, err
	}
	if _, err = conf.Decode(path, content, configLimits, config); err != nil {
		return nil, err
	}
	if warning := conf.Writable(path); warning != "" {
		warnings = append(warnings, warning)
	}
	return warnings, nil
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
