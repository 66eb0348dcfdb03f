package cli

import (
	"fmt"
	"strings"

	"github.com/drayhorse/drayhorse/internal/conf"
)

// misspelt warns of variables that are no settings of a command and look like one.
// Others may be for another program that shares the environment.
func (p *Process) misspelt(config any) []string {
	var known []string
	names := map[string]bool{configEnv: true}
	for _, s := range settings(config) {
		if s.key != "" {
			known = append(known, s.key)
			names[s.env()] = true
		}
	}
	var warnings []string
	for _, variable := range p.Environ {
		name, _, _ := strings.Cut(variable, "=")
		key, ours := strings.CutPrefix(name, envPrefix)
		if !ours || names[name] {
			continue
		}
		if meant := conf.Nearest(strings.ToLower(key), known); meant != "" {
			warnings = append(warnings, fmt.Sprintf("%s is no setting; did you mean %s%s?", name, envPrefix, strings.ToUpper(meant)))
		}
	}
	return warnings
}
