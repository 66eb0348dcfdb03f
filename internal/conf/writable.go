package conf

import (
	"fmt"
	"os"
)

// Writable says that a file may be changed by everybody on the machine, "" if it may
// not: what it holds decides what programs run, and who may use them.
func Writable(path string) string {
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm()&0o002 == 0 {
		return ""
	}
	return fmt.Sprintf("everybody on this machine can change %s (mode %04o); want chmod o-w", path, info.Mode().Perm())
}
