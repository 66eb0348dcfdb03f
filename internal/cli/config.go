package cli

import (
	"fmt"
	"io"
	"maps"
	"net"
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/drayhorse/drayhorse"
	"github.com/drayhorse/drayhorse/internal/conf"
	"github.com/drayhorse/drayhorse/internal/redis"
)

// Common is what every program can be told.
type Common struct {
	Connection `yaml:",inline"`
	Logging    `yaml:",inline"`
}

// Connection says where the jobs are.
type Connection struct {
	RedisURL     RedisURL `yaml:"redis_url" flag:"redis" arg:"URL" usage:"where Redis is: redis://, rediss://, unix://, redis+sentinel:// or redis+cluster://"`
	RedisURLFile string   `yaml:"redis_url_file,omitempty" flag:"redis-file" arg:"FILE" usage:"read the URL of Redis from this file, such as a credential of systemd, in place of --redis"`

	Namespace string `yaml:"namespace" arg:"NAME" usage:"prefix of all keys, so that applications share a Redis"`
}

// maxURLFile is the most bytes that a file with a URL may have.
const maxURLFile = 64 << 10

// readURL reads the URL where a file has it, so that its password is in no argv and
// no environment.
func (c *Connection) readURL() error {
	if c.RedisURLFile == "" {
		return nil
	}
	if c.RedisURL != DefaultConnection().RedisURL {
		return Usagef("redis_url %q and redis_url_file %q; want one of them", c.RedisURL, c.RedisURLFile)
	}
	f, err := os.Open(c.RedisURLFile)
	if err != nil {
		return Usagef("redis_url_file %q: %v; want a file with a URL", c.RedisURLFile, cause(err))
	}
	defer f.Close()
	content, err := io.ReadAll(io.LimitReader(f, maxURLFile+1))
	url := strings.TrimSpace(string(content))
	switch {
	case err != nil:
		return Usagef("redis_url_file %q: %v; want a file with a URL", c.RedisURLFile, cause(err))
	case len(content) > maxURLFile:
		return Usagef("redis_url_file %q; want a file of at most %d bytes", c.RedisURLFile, maxURLFile)
	case url == "":
		return Usagef("redis_url_file %q is empty; want a file with a URL", c.RedisURLFile)
	}
	c.RedisURL = RedisURL(url)
	return nil
}

// validate reports an impossible value, as drayhorse.ErrInvalid. It does not connect.
func (c *Connection) validate() error {
	if err := drayhorse.ValidateNamespace(c.Namespace); err != nil {
		return err
	}
	client, err := redis.Open(redis.Config{URL: c.RedisURL.Reveal()})
	if err != nil {
		return err
	}
	return client.Close()
}

// DefaultConnection is the Redis of this machine.
func DefaultConnection() Connection {
	return Connection{RedisURL: "redis://127.0.0.1:6379/0", Namespace: drayhorse.DefaultNamespace}
}

// Logging says what is logged, and how.
type Logging struct {
	LogLevel  LogLevel  `yaml:"log_level" arg:"LEVEL" values:"debug,info,warn,error" usage:"the least that is logged: debug, info, warn or error"`
	LogFormat LogFormat `yaml:"log_format" arg:"FORMAT" values:"json,console,auto" usage:"json, console, or auto: console on a terminal, else json"`
}

// DefaultLogging logs from info on.
func DefaultLogging() Logging { return Logging{LogLevel: "info", LogFormat: "auto"} }

// DefaultCommon is the defaults of both.
func DefaultCommon() Common {
	return Common{Connection: DefaultConnection(), Logging: DefaultLogging()}
}

func (l *Logging) logging() Logging { return *l }

// loggingOf gives the settings of the log, of a config that has any.
func loggingOf(config any) Logging {
	if c, ok := config.(interface{ logging() Logging }); ok {
		return c.logging()
	}
	return DefaultLogging()
}

// LogLevel is debug, info, warn or error.
type LogLevel string

// UnmarshalText takes one of them.
func (l *LogLevel) UnmarshalText(text []byte) error {
	return oneOf((*string)(l), text, "debug", "info", "warn", "error")
}

// LogFormat is json, console or auto, which leaves it to where the log goes.
type LogFormat string

// UnmarshalText takes one of them.
func (f *LogFormat) UnmarshalText(text []byte) error {
	return oneOf((*string)(f), text, "json", "console", "auto")
}

func oneOf(to *string, text []byte, values ...string) error {
	if !slices.Contains(values, string(text)) {
		last := len(values) - 1
		return &conf.ValueError{Text: string(text), Want: strings.Join(values[:last], ", ") + " or " + values[last]}
	}
	*to = string(text)
	return nil
}

// Monitoring says what a long-running program tells of itself.
type Monitoring struct {
	Metrics string `yaml:"metrics" arg:"ADDR" usage:"serve /metrics, /healthz and /readyz on this HOST:PORT"`
	Pprof   bool   `yaml:"pprof" usage:"serve profiles as well, under /debug/pprof/, to this machine alone"`

	PprofRemote bool `yaml:"pprof_remote,omitempty" usage:"serve profiles to other machines too"`

	OTLPEndpoint Endpoint `yaml:"otlp_endpoint" arg:"URL" usage:"send traces to this http:// or https:// URL, by OTLP"`
}

// Validate reports an impossible address, as drayhorse.ErrInvalid.
func (m Monitoring) Validate() error {
	if err := validateEndpoint(string(m.OTLPEndpoint)); err != nil {
		return err
	}
	if m.PprofRemote && !m.Pprof {
		return fmt.Errorf("%w: pprof_remote without pprof; want both, or none", drayhorse.ErrInvalid)
	}
	if m.Metrics == "" {
		if m.Pprof {
			return fmt.Errorf("%w: pprof without metrics; want the address to serve it on in metrics", drayhorse.ErrInvalid)
		}
		return nil
	}
	return ValidateAddr("metrics", m.Metrics)
}

// ValidateAddr reports why addr is nothing to listen on, as drayhorse.ErrInvalid;
// name is the setting it comes from.
func ValidateAddr(name, addr string) error {
	_, port, err := net.SplitHostPort(addr)
	if err == nil {
		_, err = strconv.ParseUint(port, 10, 16)
	}
	if err != nil {
		return fmt.Errorf("%w: %s %q; want HOST:PORT or :PORT", drayhorse.ErrInvalid, name, addr)
	}
	return nil
}

// Weights are queues with their weights, as NAME or NAME=WEIGHT in the environment,
// there with commas between them, and in flags, one each. Alone, a name has
// weight 1.
type Weights map[string]int

// Add takes NAME[=WEIGHT],...
func (w *Weights) Add(text string) error {
	if *w == nil {
		*w = Weights{}
	}
	for item := range strings.SplitSeq(text, ",") {
		name, weight, given := strings.Cut(strings.TrimSpace(item), "=")
		n := 1
		if given {
			var err error
			if n, err = strconv.Atoi(weight); err != nil || n < 1 {
				return &conf.ValueError{Text: item, Want: "NAME or NAME=WEIGHT with a weight of 1 or more"}
			}
		}
		if drayhorse.ValidateQueue(name) != nil {
			return &conf.ValueError{Text: item, Want: "NAME or NAME=WEIGHT with a name of letters, digits and _ . : -"}
		}
		(*w)[name] = n
	}
	return nil
}

// String gives them as Add takes them, in the order of their names.
func (w Weights) String() string {
	var items []string
	for _, name := range slices.Sorted(maps.Keys(w)) {
		items = append(items, fmt.Sprintf("%s=%d", name, w[name]))
	}
	return strings.Join(items, ",")
}
