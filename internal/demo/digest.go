package demo

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"sync"
	"sync/atomic"

	"github.com/spf13/cobra"

	"github.com/drayhorse/drayhorse/internal/cli"
)

// digestArgv is the command by which workers digest a file: one of the system
// where it has any, as a user of the exec handler would take.
func digestArgv(self program) []string {
	for _, argv := range [][]string{{"sha256sum"}, {"shasum", "-a", "256"}} {
		if _, err := exec.LookPath(argv[0]); err == nil {
			return append(argv, "{{path}}")
		}
	}
	return append(self.argv("demo", "digest"), "{{path}}")
}

// digestCommand prints what sha256sum would.
func digestCommand() *cobra.Command {
	cmd := cli.Def[struct{}]{
		Name:  "digest",
		Args:  []string{"PATH"},
		Short: "Print the SHA-256 of a file",
		Run: func(_ context.Context, call *cli.Call, _ *struct{}) error {
			sum, err := digest(call.Args[0])
			if err != nil {
				return err
			}
			return call.Print(sum + "  " + call.Args[0] + "\n") // as it is: the worker reads it
		},
	}.Command()
	cmd.Hidden = true
	return cmd
}

// digest is the SHA-256 of a file in hex.
func digest(path string) (string, error) {
	f, err := os.Open(path) //nolint:gosec // any file of the user's
	if err != nil {
		return "", err
	}
	defer func() { _ = f.Close() }() // only read
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		return "", fmt.Errorf("digest %s: %w", path, err)
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}

// digests computes those of all files, by path.
func digests(ctx context.Context, paths []string) (map[string]string, error) {
	sums := make([]string, len(paths))
	var next atomic.Int64
	var group sync.WaitGroup
	ctx, fail := context.WithCancelCause(ctx)
	defer fail(nil)
	for range runtime.NumCPU() {
		group.Go(func() {
			for i := next.Add(1) - 1; i < int64(len(paths)) && ctx.Err() == nil; i = next.Add(1) - 1 {
				var err error
				if sums[i], err = digest(paths[i]); err != nil {
					fail(err)
				}
			}
		})
	}
	group.Wait()
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	all := make(map[string]string, len(paths))
	for i, path := range paths {
		all[path] = sums[i]
	}
	return all, nil
}
