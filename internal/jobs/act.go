package jobs

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	goredis "github.com/redis/go-redis/v9"

	"github.com/drayhorse/drayhorse"
	"github.com/drayhorse/drayhorse/internal/redis"
)

// Verb is what an action does to each job.
type Verb string

// The verbs.
const (
	VerbRetry  Verb = "retry"
	VerbCancel Verb = "cancel"
	VerbDelete Verb = "delete"
)

// ErrStale says that the step of an action begins at a place that the action has left.
var ErrStale = errStale

// Place is where jobs are looked for: the name of a column, and the states of the jobs there
// that are meant.
type Place struct {
	Column string
	States []drayhorse.State
}

// Places gives where the jobs of states are, all live ones in one place where that is needed:
// a job that goes from one to the other meanwhile is met all the same.
func Places(states ...drayhorse.State) []Place {
	var live, waiting []drayhorse.State
	var places []Place
	for _, s := range states {
		switch {
		case s.Ended():
			places = append(places, Place{string(s), []drayhorse.State{s}})
		case s == drayhorse.Scheduled || s == drayhorse.Retryable:
			waiting = append(waiting, s)
			fallthrough
		default:
			live = append(live, s)
		}
	}
	switch {
	case len(live) == 0:
		return places
	case len(live) == len(waiting):
		return append(places, Place{columns[colScheduled], live})
	case len(live) == 1 && live[0] == drayhorse.Running:
		return append(places, Place{columns[colRunning], live})
	}
	return append(places, Place{columns[colJobs], live})
}

// Pick gives jobs of a place, about limit (1 to MaxPage) of them, and the cursor of the next
// ones, empty after the last. The first cursor is "". One that stays in its place from the
// first call to the last comes at least once. Those that ended after until are left out.
func (p *Partition) Pick(ctx context.Context, place Place, cursor string, until time.Time, limit int) (ids []string, next string, err error) {
	value, err := p.run(ctx, pickScript, place.Column, cursor, until.UnixMilli(), limit)
	if err != nil {
		return nil, "", err
	}
	reply := asList(value)
	if len(reply) != 2 {
		return nil, "", fmt.Errorf("pick: unexpected reply %v", value)
	}
	return asStrings(reply[1]), asString(reply[0]), nil
}

// ActionStanding is how far an action has come in a partition. The zero value is that it has not
// begun.
type ActionStanding struct {
	Token                            int64 // of the lock under which its last step was made
	Matched, Changed, Failed, Looked int
	Problem                          string // of the first that failed
	At                               string // as the last step said it
}

// ActionStep is a step of an action in a partition.
type ActionStep struct {
	Action   string // its ID
	Verb     Verb
	Token    int64  // of the lock under which it runs
	From, To string // where it stands before, "" at first, and afterwards: what that means is the caller's
	Looked   int    // jobs that were looked at
	States   []drayhorse.State
	Jobs     []*drayhorse.Info // those that are meant
}

// actionKey is the key of what an action has noted.
func (p *Partition) actionKey(action string) string { return p.key(colAction) + ":" + action }

// Act makes a step: it does what the verb says to each of the jobs that is still as it was,
// and notes how far the action has come, in one. The error is ErrStale, if the action stands
// somewhere else than From; drayhorse.ErrLeaseLost, if it is run under a later token.
func (p *Partition) Act(ctx context.Context, s *ActionStep) (ActionStanding, error) {
	states := " "
	for _, state := range s.States {
		states += string(state) + " "
	}
	args := make([]any, 0, 6+3*len(s.Jobs))
	args = append(args, string(s.Verb), s.Token, s.From, s.To, s.Looked, states)
	for _, job := range s.Jobs {
		if job.State.Ended() {
			args = append(args, PackID(job.ID), string(job.State), job.FinishedAt.UnixMilli())
		} else {
			args = append(args, PackID(job.ID), "", "")
		}
	}
	keys := slices.Clone(p.sets[actScript.index])
	for i, c := range actScript.Columns {
		if column(c) == colAction {
			keys[i] = p.actionKey(s.Action)
		}
	}
	value, err := p.engine.client.Run(ctx, redis.Call{Script: actScript.Script, Keys: keys, Args: args})
	if err != nil {
		return ActionStanding{}, failure(actScript.Name, err)
	}
	return decodeStanding(asString(value))
}

// ActionStanding says how far an action has come in the partition.
func (p *Partition) ActionStanding(ctx context.Context, action string) (ActionStanding, error) {
	row, err := p.engine.client.HGet(ctx, p.actionKey(action), "").Result()
	if errors.Is(err, goredis.Nil) {
		return ActionStanding{}, nil
	}
	if err != nil {
		return ActionStanding{}, failure("look at action "+action, err)
	}
	return decodeStanding(row)
}

// ForgetAction removes what an action has noted in the partition.
func (p *Partition) ForgetAction(ctx context.Context, action string) error {
	return failure("forget action "+action, p.engine.client.Unlink(ctx, p.actionKey(action)).Err())
}

// decodeStanding reads the row of act.lua.
func decodeStanding(row string) (ActionStanding, error) {
	var n [6]int64
	rest := row
	for i := range n {
		var ok bool
		if n[i], rest, ok = number(rest, '|'); !ok {
			return ActionStanding{}, fmt.Errorf("act: malformed row %q", row)
		}
	}
	problem, rest, ok := cut(rest, uint64(n[5])) //nolint:gosec // number gives no negative ones
	if !ok || !strings.HasPrefix(rest, "|") {
		return ActionStanding{}, fmt.Errorf("act: malformed row %q", row)
	}
	return ActionStanding{
		Token: n[0], Matched: int(n[1]), Changed: int(n[2]), Failed: int(n[3]), Looked: int(n[4]), Problem: problem, At: rest[1:],
	}, nil
}
