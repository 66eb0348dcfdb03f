package flows

import (
	"context"
	"crypto/sha1"
	"encoding/hex"
	"errors"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	goredis "github.com/redis/go-redis/v9"

	"github.com/drayhorse/drayhorse/internal/jobs"
	"github.com/drayhorse/drayhorse/internal/redis"
	"github.com/drayhorse/drayhorse/internal/redistest"
)

func TestMain(m *testing.M) { redistest.Main(m) }

// The randomized test of batches, and with every second seed of flows of steps: creators, workers, relays, operators and observers act on a real
// server, one script at a time in an order that a seed decides. Calls are lost, their answers are
// lost, or they come again later; and actors die between any two of them. After each script
// what Redis holds is compared with what was seen to happen; in the end, when everything
// has come to rest, with what must have.

var (
	modelSteps = flag.Int("steps", 500, "steps of each run of the randomized test of batches")
	modelRuns  = flag.Int("runs", 4, "its runs")
	modelTrace = flag.Bool("trace", false, "print each script of the randomized test of batches")
	modelSeed  = flag.Uint64("seed", 0, "the seed of the first run; 0: another each time")
)

// actor is one goroutine that acts. All but one wait at their next call.
type actor struct {
	name string
	may  chan bool // may make its call; false: it dies
	at   chan bool // stands before a call; false: it has ended
}

type actorKey struct{}

// stage has actors make their calls in the order that the seed decides. It is a hook of the client.
type stage struct {
	rng     *rand.Rand
	faults  bool
	late    []goredis.Cmder   // calls that come again
	names   map[string]string // of scripts, by hash
	swapped map[string]string // hashes that stand for others: mutants
	last    atomic.Value      // the name of the script that ran last
	after   func()            // each script that no actor runs
	direct  func(ctx context.Context, cmd goredis.Cmder) error
}

func (s *stage) DialHook(next goredis.DialHook) goredis.DialHook { return next }

func (s *stage) ProcessHook(next goredis.ProcessHook) goredis.ProcessHook {
	s.direct = next
	return s.process
}

func (s *stage) ProcessPipelineHook(next goredis.ProcessPipelineHook) goredis.ProcessPipelineHook {
	return func(ctx context.Context, cmds []goredis.Cmder) error {
		if ctx.Value(actorKey{}) == nil && (s.after == nil || cmds[0].Args()[0] != "evalsha") {
			return next(ctx, cmds)
		}
		for _, cmd := range cmds {
			if err := s.process(ctx, cmd); err != nil {
				cmd.SetErr(err)
			}
		}
		return nil
	}
}

// process makes one call, when it is the actor's turn, or not at all.
func (s *stage) process(ctx context.Context, cmd goredis.Cmder) error {
	a, acts := ctx.Value(actorKey{}).(*actor)
	if !acts {
		s.swap(cmd)
		err := s.direct(ctx, cmd)
		if s.after != nil && cmd.Args()[0] == "evalsha" {
			s.after()
		}
		return err
	}
	a.at <- true
	if !<-a.may {
		runtime.Goexit()
	}
	if s.faults && s.rng.IntN(16) == 0 {
		return s.fail(cmd)
	}
	s.swap(cmd)
	err := s.direct(context.Background(), cmd)
	if s.faults && s.rng.IntN(12) == 0 {
		s.late = append(s.late, goredis.NewCmd(context.Background(), cmd.Args()...))
	}
	if s.faults && s.rng.IntN(16) == 0 {
		return s.fail(cmd)
	}
	return err
}

func (s *stage) fail(cmd goredis.Cmder) error {
	cmd.SetErr(io.ErrUnexpectedEOF)
	return io.ErrUnexpectedEOF
}

// swap has a mutant run in the place of a script, and notes which one it is.
func (s *stage) swap(cmd goredis.Cmder) {
	args := cmd.Args()
	if len(args) < 2 || args[0] != "evalsha" {
		return
	}
	hash, _ := args[1].(string)
	if other := s.swapped[hash]; other != "" {
		args[1] = other
	}
	s.last.Store(s.names[hash])
	if *modelTrace {
		fmt.Fprintf(os.Stderr, "%s %.300q\n", s.names[hash], fmt.Sprint(args[3:]...))
	}
}

// replay makes a call again that was made before.
func (s *stage) replay() {
	i := s.rng.IntN(len(s.late))
	cmd := s.late[i]
	s.late = append(s.late[:i], s.late[i+1:]...)
	s.swap(cmd)
	_ = s.direct(context.Background(), goredis.NewCmd(context.Background(), cmd.Args()...))
}

// assembled gives all scripts of batches and of the engine, as Redis gets them, by name.
func assembled(tb testing.TB) map[string]string {
	tb.Helper()
	all := map[string]string{}
	for _, dir := range []string{"../jobs/scripts", "scripts"} {
		prelude := redis.NewLibrary(os.DirFS(filepath.Dir(dir))).Prelude()
		files, _ := filepath.Glob(filepath.Join(dir, "*.lua"))
		for _, file := range files {
			name := strings.TrimSuffix(filepath.Base(file), ".lua")
			if name == "prelude" {
				continue
			}
			if dir == "scripts" {
				name = "flow " + name
			}
			text, err := os.ReadFile(file)
			if err != nil {
				tb.Fatal(err)
			}
			all[name] = redis.ParseHeader(string(text)).Assemble(prelude, string(text))
		}
	}
	return all
}

// small has a script do as little in one call as it may, so that what takes several is seen here.
func small(text string) string {
	return strings.NewReplacer("local BUDGET = 200", "local BUDGET = 3", "local ASKED = 500", "local ASKED = 3").Replace(text)
}

func hashOf(text string) string {
	sum := sha1.Sum([]byte(text))
	return hex.EncodeToString(sum[:])
}

// mutant breaks a rule of a script on purpose, or of all that have it.
type mutant struct{ name, script, from, to string }

// everywhere stands for all scripts.
const everywhere = "*"

// playground is where runs of the model take place.
type playground struct {
	tb      testing.TB
	server  *redistest.Server
	names   map[string]string
	swapped map[string]string
}

func newPlayground(tb testing.TB, server *redistest.Server, broken *mutant) *playground {
	tb.Helper()
	g := &playground{tb: tb, server: server, names: map[string]string{}, swapped: map[string]string{}}
	for name, text := range assembled(tb) {
		g.names[hashOf(text)] = name
		if err := server.Client(tb).ScriptLoad(context.Background(), text).Err(); err != nil {
			tb.Fatalf("%s: %v", name, err)
		}
		if less := small(text); less != text {
			if err := server.Client(tb).ScriptLoad(context.Background(), less).Err(); err != nil {
				tb.Fatalf("%s: %v", name, err)
			}
			g.swapped[hashOf(text)], g.names[hashOf(less)] = hashOf(less), name
		}
		if broken != nil && (broken.script == name || broken.script == everywhere && strings.Contains(text, broken.from)) {
			if !strings.Contains(text, broken.from) {
				tb.Fatalf("%s has no %q", name, broken.from)
			}
			changed := small(strings.ReplaceAll(text, broken.from, broken.to))
			if err := server.Client(tb).ScriptLoad(context.Background(), changed).Err(); err != nil {
				tb.Fatalf("the mutant %s is no script: %v", broken.name, err)
			}
			g.swapped[hashOf(text)], g.names[hashOf(changed)] = hashOf(changed), name
		}
	}
	return g
}

// open makes a world of its own, and gives what ends it.
func (g *playground) open(seed uint64) (w *world, end func(), err error) {
	ctx := context.Background()
	client, err := redis.Open(redis.Config{URL: g.server.URL})
	if err != nil {
		return nil, nil, err
	}
	st := &stage{rng: rand.New(rand.NewPCG(seed, 1)), names: g.names, swapped: g.swapped}
	client.AddHook(st)
	namespace := fmt.Sprintf("m%d", namespaces.Add(1))
	w = &world{stage: st, ctx: ctx, engine: jobs.New(client, namespace), truth: newTruth(), graphs: seed%2 == 1}
	w.store = New(w.engine, namespace)
	w.store.beside, w.store.piece = 1, 2 // one script at a time
	w.store.wait = func(ctx context.Context, _ *redis.Backoff) bool { return ctx.Err() == nil }
	for _, queue := range []string{"p", "q"} {
		parts, err := w.engine.CreateQueue(ctx, queue, 2)
		if err != nil {
			return nil, nil, errors.Join(err, client.Close())
		}
		w.parts = append(w.parts, parts...)
	}
	return w, func() { _ = client.Close() }, nil
}

// play plays one run and gives what is wrong; nil: nothing.
func (g *playground) play(seed uint64, steps int) (fault error) {
	w, end, err := g.open(seed)
	if err != nil {
		return err
	}
	defer end()
	defer func() {
		if fault != nil {
			fault = fmt.Errorf("seed %d, step %d, after %v: %w", seed, w.steps, w.last.Load(), fault)
		}
	}()
	w.faults = true
	if err := w.run(steps); err != nil {
		return err
	}
	w.faults, w.late = false, nil
	return w.rest()
}

// TestBatchesModel is the randomized test.
func TestBatchesModel(t *testing.T) {
	t.Parallel()
	g := newPlayground(t, redistest.Start(t, redistest.WithUnixSocket()), nil)
	first := *modelSeed
	if first == 0 {
		first = uint64(time.Now().UnixNano())
	}
	for i := range *modelRuns {
		if err := g.play(first+uint64(i), *modelSteps); err != nil {
			t.Fatal(err)
		}
	}
	t.Logf("%d runs of %d steps from seed %d: %v", *modelRuns, *modelSteps, first, total.String())
}
