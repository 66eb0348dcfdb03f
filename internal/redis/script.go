package redis

import (
	"context"
	"crypto/sha1" //nolint:gosec // the name that Redis gives a script, no secret
	"encoding/hex"
	"strings"
	"time"

	goredis "github.com/redis/go-redis/v9"
)

// Script is a Lua script, sent by its hash and loaded where it is not known.
// Every run of a script is one atomic step.
type Script struct {
	Name    string // as in the file name, the metrics and the docs
	Header  Header // of a script of a Library
	Columns []int  // the keys that Header names, as indexes of the Library's columns

	full  source // with the line of flags
	plain source // without it, for servers that know no flags (miniredis)
}

type source struct{ text, sha string }

// NewScript takes a script that starts with a line of flags ("#!lua ...").
func NewScript(name, text string) *Script {
	_, plain, _ := strings.Cut(text, "\n")
	return &Script{Name: name, full: newSource(text), plain: newSource(plain)}
}

// WithText gives the script with another text, for tests that break it on purpose.
func (s *Script) WithText(text string) *Script {
	changed := NewScript(s.Name, text)
	changed.Header, changed.Columns = s.Header, s.Columns
	return changed
}

func newSource(text string) source {
	sum := sha1.Sum([]byte(text)) //nolint:gosec // see the import
	return source{text, hex.EncodeToString(sum[:])}
}

// Call is one run of a script. Keys are all the keys that it may touch.
type Call struct {
	Script *Script
	Keys   []string
	Args   []any
}

// Reply is what a call came to.
type Reply struct {
	Value any
	Err   error
}

// once is a command that a Cluster client does not send again when its reply was
// lost: whether to repeat is its caller's to say. Redirects are followed.
type once struct{ *goredis.Cmd }

// NoRetry is how go-redis asks.
func (once) NoRetry() bool { return true }

func newOnce(ctx context.Context, command, script string, call Call) once {
	args := make([]any, 0, 3+len(call.Keys)+len(call.Args))
	args = append(args, command, script, len(call.Keys))
	for i := range call.Keys {
		if i == 0 {
			args = append(args, call.Keys[i]) // go-redis finds the slot by it
		} else {
			args = append(args, &call.Keys[i]) // a pointer saves a copy
		}
	}
	return once{goredis.NewCmd(ctx, append(args, call.Args...)...)}
}

// limited is a context with a deadline by which go-redis sets those of its
// connections. No timer runs for it: calls are too many and too short for that.
type limited struct {
	context.Context //nolint:containedctx // this is one

	deadline time.Time
}

// Deadline is when calls under the context are given up.
func (l limited) Deadline() (time.Time, bool) { return l.deadline, true }

// Until gives ctx a deadline for calls, where it has none that is earlier. It does
// not end then: a call that waits for Redis does.
func Until(ctx context.Context, deadline time.Time) context.Context {
	if earlier, ok := ctx.Deadline(); ok && earlier.Before(deadline) {
		return ctx
	}
	return limited{ctx, deadline}
}

// Run runs one script. A server that is away is reported within 5 s, or at the
// end of ctx.
func (c *Client) Run(ctx context.Context, call Call) (any, error) {
	ctx = Until(ctx, time.Now().Add(c.patience))
	defer c.ran(time.Now(), call)
	return c.run(ctx, call)
}

// ran tells the observer of calls that shared a round trip.
func (c *Client) ran(begun time.Time, calls ...Call) {
	took := time.Since(begun)
	for _, call := range calls {
		c.observer.Ran(call.Script.Name, took)
	}
}

func (c *Client) run(ctx context.Context, call Call) (any, error) {
	value, err := c.send(ctx, newOnce(ctx, "evalsha", c.source(call.Script).sha, call))
	if goredis.HasErrorPrefix(err, "NOSCRIPT") {
		return c.eval(ctx, call)
	}
	return value, err
}

func (c *Client) send(ctx context.Context, cmd once) (any, error) {
	_ = c.Process(ctx, cmd) // the command carries its error
	return cmd.Result()
}

// RunAll runs several scripts in one round trip (on a Cluster, one for each
// node). Each is atomic by itself and fails by itself.
func (c *Client) RunAll(ctx context.Context, calls []Call) []Reply {
	ctx = Until(ctx, time.Now().Add(c.patience))
	defer c.ran(time.Now(), calls...)
	if len(calls) == 1 {
		value, err := c.run(ctx, calls[0])
		return []Reply{{value, err}}
	}
	pipe := c.Pipeline()
	cmds := c.queue(ctx, pipe, calls)
	_, _ = pipe.Exec(ctx) // each command carries its own error
	return c.collect(ctx, calls, cmds)
}

// queue puts scripts into a pipeline.
func (c *Client) queue(ctx context.Context, pipe goredis.Pipeliner, calls []Call) []once {
	cmds := make([]once, len(calls))
	for i, call := range calls {
		cmds[i] = newOnce(ctx, "evalsha", c.source(call.Script).sha, call)
		_ = pipe.Process(ctx, cmds[i])
	}
	return cmds
}

// collect gives what the scripts of a pipeline came to.
func (c *Client) collect(ctx context.Context, calls []Call, cmds []once) []Reply {
	replies := make([]Reply, len(calls))
	for i, cmd := range cmds {
		replies[i].Value, replies[i].Err = cmd.Result()
		if goredis.HasErrorPrefix(replies[i].Err, "NOSCRIPT") { // not executed: safe to send again
			replies[i].Value, replies[i].Err = c.run(ctx, calls[i]) // by now another call may have loaded it
		}
	}
	return replies
}

// eval sends the text, which loads the script too.
func (c *Client) eval(ctx context.Context, call Call) (any, error) {
	return c.byText(call.Script, func(text string) (any, error) {
		return c.send(ctx, newOnce(ctx, "eval", text, call))
	})
}

// byText runs a script by its text. The first script that meets a server without
// flags settles for this client that they are left out.
func (c *Client) byText(s *Script, send func(text string) (any, error)) (any, error) {
	src := c.source(s)
	value, err := send(src.text)
	if src == s.full && goredis.HasErrorPrefix(err, "Error compiling script") {
		c.noFlags.Store(true)
		return send(s.plain.text)
	}
	return value, err
}

func (c *Client) source(s *Script) source {
	if c.noFlags.Load() {
		return s.plain
	}
	return s.full
}
