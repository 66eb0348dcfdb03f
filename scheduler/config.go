package scheduler

import (
	"cmp"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/redis/go-redis/v9"

	"github.com/drayhorse/drayhorse"
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
	// starts; what others declared is left alone. Empty: the program's name.
	Source string
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
	if c.Source != "" {
		if err := drayhorse.ValidateID(c.Source); err != nil {
			return fmt.Errorf("source: %w", err)
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
	if d.Source == "" {
		d.Source = programName()
	}
	if d.LeaseTTL == 0 {
		d.LeaseTTL = DefaultLeaseTTL
	}
	return d
}

// programName is the name of the executable, with what a source's name cannot have
// replaced.
func programName() string {
	name := []byte(filepath.Base(os.Args[0]))
	for i := range name {
		if drayhorse.ValidateID(string(name[i:i+1])) != nil {
			name[i] = '-'
		}
	}
	return string(name[:min(len(name), drayhorse.MaxNameLength)])
}
