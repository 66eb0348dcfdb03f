package scheduler

import (
	"cmp"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"runtime/debug"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/redis/go-redis/v9"

	"github.com/drayhorse/drayhorse"
	"github.com/drayhorse/drayhorse/internal/schedules"
)

// DefaultLeaseTTL is how long a leader that fell silent stays the leader. Another
// one leads within that and a second.
const DefaultLeaseTTL = 5 * time.Second

// Config says where the schedules are kept and who declares them. The zero value
// is the Redis at redis://127.0.0.1:6379/0.
type Config struct {
	// RedisURL says where Redis is, in one of the forms of docs/operations.md.
	RedisURL string
	// Redis is, instead of RedisURL, an application's client. Its options are
	// cloned: the scheduler has connections of its own.
	Redis redis.UniversalClient
	// Namespace is the prefix of all keys. Empty: drayhorse.DefaultNamespace.
	Namespace string
	// Source names the set of schedules that is declared here, the same in every
	// replica. What the source does not declare any more is removed when Run
	// starts; what others declared is left alone. Empty: DefaultSource, but a program
	// that declares none of the schedules that are known under that name takes them
	// for another's and leaves them alone.
	Source string
	// DefaultSource is the name of the set where nobody has chosen one. What was
	// declared under it may be declared under a Source that is chosen later. Empty:
	// the path of the program's main package.
	DefaultSource string
	// DeclaredAt says when the set was declared. A set that is older than what its
	// source has declared already changes nothing, so that a program of the old
	// version that starts again beside the new one does no harm. Zero: whenever Run
	// starts, by Redis's clock.
	DeclaredAt time.Time
	// LeaseTTL is how long a leader that fell silent stays the leader. 0: 5 s; at
	// least 1 s.
	LeaseTTL time.Duration
	// Identity says to people who leads. Empty: host name and process id.
	Identity string
	// Logger takes the log. nil: none.
	Logger *slog.Logger
	// Registerer takes the metrics. nil: none.
	Registerer prometheus.Registerer
	// Tracer gives the jobs of ticks the trace that they carry. nil: they carry none.
	Tracer drayhorse.Tracer
}

const minLeaseTTL = time.Second

// Validate reports the first impossible value, as drayhorse.ErrInvalid.
func (c *Config) Validate() error {
	if c.LeaseTTL != 0 && c.LeaseTTL < minLeaseTTL {
		return fmt.Errorf("%w: LeaseTTL %v; want at least %v, or 0 for the default", drayhorse.ErrInvalid, c.LeaseTTL, minLeaseTTL)
	}
	for name, source := range map[string]string{"source": c.Source, "default source": c.DefaultSource} {
		if source == "" {
			continue
		}
		if err := drayhorse.ValidateID(source); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	if c.Namespace != "" {
		return drayhorse.ValidateNamespace(c.Namespace)
	}
	return nil
}

func (c *Config) withDefaults() Config {
	d := *c
	d.Namespace = cmp.Or(d.Namespace, drayhorse.DefaultNamespace)
	d.DefaultSource = cmp.Or(d.DefaultSource, programName())
	if d.LeaseTTL == 0 {
		d.LeaseTTL = DefaultLeaseTTL
	}
	return d
}

// programName is the path of the program's main package, which two services have in
// common less likely than the name of their executable; that where nothing better is
// known, as of go run FILE.
func programName() string {
	if info, ok := debug.ReadBuildInfo(); ok && info.Path != "" && info.Path != "command-line-arguments" {
		return schedules.DefaultSource(info.Path)
	}
	return schedules.DefaultSource(filepath.Base(os.Args[0]))
}
