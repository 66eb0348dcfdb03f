package cli

import (
	"runtime"
	"runtime/debug"
)

// Version is set by the linker in releases.
var Version = ""

// version is what --version prints: the release, the commit where it is known, and
// Go's version.
func version() string {
	commit := ""
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, s := range info.Settings {
			if s.Key == "vcs.revision" {
				commit = " " + s.Value[:min(len(s.Value), 12)]
			}
		}
	}
	return "drayhorse " + release() + commit + " " + runtime.Version()
}

// release names the version alone.
func release() string {
	if Version != "" {
		return Version
	}
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Version != "" {
		return info.Main.Version
	}
	return "(devel)"
}
