package httpapi

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/drayhorse/drayhorse"
	"github.com/drayhorse/drayhorse/admin"
	"github.com/drayhorse/drayhorse/flow"
	"github.com/drayhorse/drayhorse/internal/jobjson"
	"github.com/drayhorse/drayhorse/producer"
)

// Jobs stores jobs and knows them: a *producer.Producer.
type Jobs interface {
	Enqueue(ctx context.Context, args drayhorse.Args, options ...drayhorse.Option) (*drayhorse.Info, error)
	EnqueueMany(ctx context.Context, specs []drayhorse.Spec) ([]*drayhorse.Info, error)
	Get(ctx context.Context, id string, options ...drayhorse.Option) (*drayhorse.Info, error)
	Wait(ctx context.Context, id string, options ...drayhorse.Option) (*drayhorse.Info, error)
	Log(ctx context.Context, id string, options ...drayhorse.Option) (*drayhorse.JobLog, error)
	ReadStream(ctx context.Context, id, name string, offset int64, options ...drayhorse.Option) (*producer.Stream, error)
	Cancel(ctx context.Context, id string, options ...drayhorse.Option) error
	Steps(ctx context.Context, id string, options ...drayhorse.Option) (*drayhorse.JobSteps, error)
	Signal(ctx context.Context, id, name string, payload any, options ...flow.SignalOption) error
	jobjson.Beginner
	FlowResult(ctx context.Context, id, step string, v any) error
	Batch(ctx context.Context, id string) (*producer.Batch, error)
	CancelFlow(ctx context.Context, id string) error
}

// Queues knows how long queues are: an *admin.Admin.
type Queues interface {
	Queue(ctx context.Context, name string) (*admin.Queue, error)
	DeleteQueue(ctx context.Context, name string, force bool) (jobs int, err error)
	Look(ctx context.Context, names ...string) (queues []*admin.Queue, total int, err error)
	Series(ctx context.Context, q admin.SeriesQuery) (*admin.Series, error)
	Events(ctx context.Context, q admin.EventQuery) (*admin.Events, error)
}

// Config says what is served, and how. Jobs and Queues are required.
type Config struct {
	Jobs   Jobs
	Queues Queues
	// Tokens are those that clients must have. nil: everybody may do everything,
	// which is for loopback addresses alone.
	Tokens *Tokens
	// CertFile and KeyFile are PEM files for HTTPS; empty: HTTP.
	CertFile, KeyFile string
	Limits            Limits
	// Logger takes the log. nil: none.
	Logger *slog.Logger
	// Registerer takes the metrics. nil: none.
	Registerer prometheus.Registerer
}

// Limits keep a client from disturbing others.
type Limits struct {
	// MaxBody is how large a job may be, as a body or as a line of a batch, in bytes.
	MaxBody int `yaml:"max_body" arg:"BYTES" usage:"largest job, as a body or as a line of a batch"`
	// MaxHeader is how large the header of a request may be, in bytes.
	MaxHeader int `yaml:"max_header" arg:"BYTES" usage:"largest header of a request"`
	// Rate is how many jobs a second a token may put in, unless the token says
	// otherwise. 0: no limit.
	Rate int `yaml:"rate" arg:"N" usage:"jobs a second that each token may put in, unless it says otherwise; 0: no limit"`
	// ReadRate is how many look-ups and cancels a second a token may make, unless the
	// token says otherwise. 0: no limit.
	ReadRate int `yaml:"read_rate" arg:"N" usage:"look-ups and cancels a second that each token may make, unless it says otherwise; 0: no limit"`
	// MaxQueues is how many queues there may be for another to be created. 0: any number.
	MaxQueues int `yaml:"max_queues" arg:"N" usage:"queues there may be, from which on no more are created; 0: no limit"`
	// MaxDepth is from how many jobs in a queue on, ended ones not counted, no more
	// are taken. 0: no limit.
	MaxDepth int `yaml:"max_depth" arg:"N" usage:"jobs in a queue, ended ones not counted, from which on no more are taken; 0: no limit"`
	// MaxRequests is how many requests are served at once, batches included.
	MaxRequests int `yaml:"max_requests" arg:"N" usage:"requests that are served at once"`
	// MaxBatches is how many batches are served at once.
	MaxBatches int `yaml:"max_batches" arg:"N" usage:"batches among them"`
	// MaxListeners is how many clients listen to events at once.
	MaxListeners int `yaml:"max_listeners" arg:"N" usage:"clients that listen to events at once, among the requests"`
	// MaxMemory is what large bodies, lines and answers may take, all together, in bytes.
	MaxMemory int `yaml:"max_memory" arg:"BYTES" usage:"memory that large jobs may take while they come in or are shown, all together"`
	// ClientTimeout is how long a client may take to send a header, a job or a line
	// of a batch, and to take an answer.
	ClientTimeout time.Duration `yaml:"client_timeout" usage:"how long a client may take to send a header, a job or a line of a batch, and to take an answer"`
	// ShutdownTimeout is how long requests may go on when the server stops.
	ShutdownTimeout time.Duration `yaml:"shutdown_timeout" usage:"how long requests may go on at the end before they are cut"`
}

// Rates are those of tokens that say nothing of them, a second; 0: no limit.
type Rates struct{ Rate, ReadRate int }

// Rates gives those of the limits.
func (l *Limits) Rates() Rates { return Rates{l.Rate, l.ReadRate} }

// DefaultLimits suit a machine with 256 MB to spare.
func DefaultLimits() Limits {
	return Limits{
		MaxBody: jobjson.MaxLine, MaxHeader: 16 << 10, MaxRequests: 512, MaxBatches: 16, MaxListeners: 32,
		MaxQueues: 1000, MaxDepth: 1e6, MaxMemory: 64 << 20,
		ClientTimeout: 10 * time.Second, ShutdownTimeout: 25 * time.Second,
	}
}

// Validate reports the first impossible value, as drayhorse.ErrInvalid.
func (l *Limits) Validate() error {
	for _, v := range []struct {
		name               string
		value, least, most int
	}{
		{"max_body", l.MaxBody, 1, jobjson.MaxLine},
		{"max_header", l.MaxHeader, 1 << 10, 1 << 20},
		{"rate", l.Rate, 0, maxRate},
		{"read_rate", l.ReadRate, 0, maxRate},
		{"max_queues", l.MaxQueues, 0, 1e6},
		{"max_depth", l.MaxDepth, 0, 1e12},
		{"max_requests", l.MaxRequests, 1, 1e6},
		{"max_batches", l.MaxBatches, 1, 1e6},
		{"max_listeners", l.MaxListeners, 1, 1e6},
		{"max_memory", l.MaxMemory, 2 * bodyFactor * jobjson.MaxLine, 1e12},
	} {
		if v.value < v.least || v.value > v.most {
			return fmt.Errorf("%w: %s %d; want %d to %d", drayhorse.ErrInvalid, v.name, v.value, v.least, v.most)
		}
	}
	if l.ClientTimeout < time.Millisecond {
		return fmt.Errorf("%w: client_timeout %v; want 1ms or more", drayhorse.ErrInvalid, l.ClientTimeout)
	}
	if l.ShutdownTimeout < 0 {
		return fmt.Errorf("%w: shutdown_timeout %v; want 0 or more", drayhorse.ErrInvalid, l.ShutdownTimeout)
	}
	return nil
}
