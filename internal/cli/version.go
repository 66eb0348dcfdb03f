package cli

import (
	"runtime"
	"runtime/debug"
)

// Version is set by the linker in releases.
var Version = ""

// version names the version, the commit where it is known, and Go's.
func version() string {
	v, commit := Version, ""
	if info, ok := debug.ReadBuildInfo(); ok {
		if v == "" {
			v = info.Main.Version
		}
		for _, s := range info.Settings {
			if s.Key == "vcs.revision" {
				commit = " " + s.Value[:min(len(s.Value), 12)]
			}
		}
	}
	if v == "" {
		v = "(devel)"
	}
	return "drayhorse " + v + commit + " " + runtime.Version()
}
