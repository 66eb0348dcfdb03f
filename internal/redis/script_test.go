package redis

import (
	"strconv"
	"strings"
	"testing"

	"github.com/drayhorse/drayhorse/internal/redistest"
)

// servers are the kinds that scripts must run on.
var servers = map[string]func(t *testing.T) string{
	"single":   func(t *testing.T) string { t.Helper(); return redistest.Start(t).URL },
	"cluster":  func(t *testing.T) string { t.Helper(); return redistest.StartCluster(t, 3, 0).URL },
	"embedded": func(t *testing.T) string { t.Helper(); return "redis://" + embedded(t).Addr() },
}

// forget makes every server of c forget its scripts.
func forget(t *testing.T, c *Client) {
	t.Helper()
	if err := c.ScriptFlush(t.Context()).Err(); err != nil {
		t.Fatal(err)
	}
	if c.IsCluster() { // SCRIPT FLUSH went to one node
		for _, node := range strings.Split(strings.TrimPrefix(c.Addr(), "redis+cluster://"), ",") {
			if err := open(t, "redis://"+node).ScriptFlush(t.Context()).Err(); err != nil {
				t.Fatal(err)
			}
		}
	}
}

func TestScriptsAreLoadedWhereTheyAreUnknown(t *testing.T) {
	t.Parallel()
	for name, url := range servers {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := open(t, url(t))
			countScript := NewScript("count", "#!lua flags=allow-oom\nreturn redis.call('INCR', KEYS[1])\n")
			for round := range 3 {
				single, err := c.Run(t.Context(), Call{countScript, []string{"single"}, nil})
				if err != nil || single != int64(round+1) {
					t.Fatalf("round %d: %v, %v", round, single, err)
				}
				forget(t, c)
				calls := make([]Call, 50)
				for i := range calls {
					calls[i] = Call{countScript, []string{"n" + strconv.Itoa(i)}, nil}
				}
				for i, reply := range c.RunAll(t.Context(), calls) {
					if reply.Err != nil || reply.Value != int64(round+1) {
						t.Fatalf("round %d, call %d: %v, %v", round, i, reply.Value, reply.Err)
					}
				}
				forget(t, c)
			}
			if c.noFlags.Load() != (name == "embedded") {
				t.Errorf("flags left out: %v", c.noFlags.Load())
			}
		})
	}
}

func TestRunAllFailsOneByOne(t *testing.T) {
	t.Parallel()
	for name, url := range servers {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := open(t, url(t))
			failScript := NewScript("fail", "#!lua\nreturn redis.error_reply('LEASELOST ' .. KEYS[1])\n")
			replies := c.RunAll(t.Context(), []Call{
				{setScript, []string{"a"}, []any{"1"}}, {failScript, []string{"b"}, nil}, {setScript, []string{"c"}, []any{"3"}},
			})
			if replies[0].Value != "1" || replies[2].Value != "3" || replies[0].Err != nil || replies[2].Err != nil {
				t.Errorf("got %+v", replies)
			}
			if err := replies[1].Err; err == nil || !strings.HasPrefix(err.Error(), "LEASELOST b") || !Answered(err) || Temporary(err) {
				t.Errorf("got %v", err)
			}
		})
	}
}

func TestRunAllOfNothing(t *testing.T) {
	t.Parallel()
	if replies := open(t, redistest.Shared(t)).RunAll(t.Context(), nil); len(replies) != 0 {
		t.Errorf("got %v", replies)
	}
}

// A script that is wrong must not be taken for one whose flags are unknown.
func TestScriptThatDoesNotCompile(t *testing.T) {
	t.Parallel()
	c := open(t, redistest.Shared(t))
	broken := NewScript("broken", "#!lua\nthis is no Lua\n")
	if _, err := c.Run(t.Context(), Call{broken, []string{"k"}, nil}); err == nil || Temporary(err) || Ambiguous(err) {
		t.Errorf("got %v", err)
	}
	works(t, c)
}

// go-redis would send a command whose reply was lost again; on a Cluster even
// with its retries off.
func TestNothingIsSentTwice(t *testing.T) {
	t.Parallel()
	count := NewScript("count", "#!lua\nreturn redis.call('INCR', KEYS[1])\n")
	for _, pipeline := range []bool{false, true} {
		for name, setup := range map[string]func(t *testing.T) (*redistest.Server, *redistest.Proxy, *Client){
			"single": func(t *testing.T) (*redistest.Server, *redistest.Proxy, *Client) {
				t.Helper()
				s := redistest.Start(t)
				p := redistest.NewProxy(t, s.Addr)
				return s, p, open(t, "redis://"+p.Addr)
			},
			"cluster": func(t *testing.T) (*redistest.Server, *redistest.Proxy, *Client) {
				t.Helper()
				g := redistest.StartCluster(t, 1, 0)
				p := redistest.NewProxy(t, g.Nodes[0].Addr)
				g.Announce(t, g.Nodes[0], p)
				return g.Nodes[0], p, open(t, "redis+cluster://"+p.Addr)
			},
		} {
			t.Run(name+"/pipeline="+strconv.FormatBool(pipeline), func(t *testing.T) {
				t.Parallel()
				s, p, c := setup(t)
				calls := []Call{{count, []string{"n"}, nil}}
				if pipeline {
					calls = append(calls, Call{count, []string{"m"}, nil})
				}
				c.RunAll(t.Context(), calls) // loads the script
				p.CutReplies(1, redistest.Contains(count.full.sha))
				for _, reply := range c.RunAll(t.Context(), calls) {
					if !Ambiguous(reply.Err) || !Temporary(reply.Err) {
						t.Errorf("a lost reply: %v", reply.Err)
					}
				}
				if p.Cuts() != 1 {
					t.Errorf("%d cuts", p.Cuts())
				}
				if n := s.Client(t).Get(t.Context(), "n").Val(); n != "2" {
					t.Errorf("executed %s times, want 2", n)
				}
			})
		}
	}
}
