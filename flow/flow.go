// Package flow is the vocabulary of jobs that wait for jobs, or for more than a time: batches, which
// Producer.NewBatch makes of jobs that are counted together; and what comes with the
// signals that Producer.Signal sends to a job, whose handler waits with step.WaitSignal.
package flow

// SignalOption says something of a signal; see [Key], [Sender] and [Queue].
type SignalOption func(*SignalSettings)

// SignalSettings are what the options of a signal say.
type SignalSettings struct {
	Key    string
	Sender string
	Queue  string
}

// Key is by what a signal is known when it is sent again: the same key again is no error, and
// changes nothing. It is as an ID of a job. Default: a key that nobody else has, so that a
// second call gets drayhorse.ErrSignalled.
func Key(key string) SignalOption { return func(s *SignalSettings) { s.Key = key } }

// Sender is who sends the signal, for those who look at the job: a line of at most 128 bytes.
func Sender(name string) SignalOption { return func(s *SignalSettings) { s.Sender = name } }

// Queue is the queue of the job. Default: all queues are asked.
func Queue(name string) SignalOption { return func(s *SignalSettings) { s.Queue = name } }
