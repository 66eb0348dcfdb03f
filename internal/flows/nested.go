package flows

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/drayhorse/drayhorse"
	"github.com/drayhorse/drayhorse/flow"
	"github.com/drayhorse/drayhorse/internal/redis"
)

// A batch, or a flow of steps, that is a member of a batch is a source of rows there, as a partition is.
const (
	childPrefix  = "@c/"
	parentPrefix = "@p/"
)

// parent is the batch of which a flow is a member; nil: of none.
type parent struct {
	id   string
	made time.Time
}

// String is as the scripts have it.
func (p *parent) String() string {
	if p == nil {
		return ""
	}
	return strconv.FormatInt(p.made.UnixMilli(), 10) + "|" + p.id
}

// AddBatch makes a batch that is a member of another one. A repeat gives what is there. The errors
// are those of Create and Join, and drayhorse.ErrDuplicate if there is a flow of that ID that is no member.
func (s *Store) AddBatch(ctx context.Context, id string, made time.Time, b flow.Batch, maxArgs int) (_ *flow.Info, err error) {
	if b.ID, err = idOr(b.ID); err != nil {
		return nil, err
	}
	return s.addChild(ctx, &parent{id, made}, b.ID, func(of *parent) (*flow.Info, error) { return s.create(ctx, b, of, maxArgs) })
}

// AddFlow submits a flow of steps as a member of a batch, as AddBatch does a batch.
func (s *Store) AddFlow(ctx context.Context, id string, made time.Time, f *flow.Flow, maxArgs int) (_ *flow.Info, err error) {
	member := *f
	if member.ID, err = idOr(f.ID); err != nil {
		return nil, err
	}
	return s.addChild(ctx, &parent{id, made}, member.ID, func(of *parent) (*flow.Info, error) { return s.begin(ctx, &member, "", of, maxArgs) })
}

// addChild has the batch know of a member before there is one: what it does not know of, it does not wait for. Where
// its maker dies in between, it counts as lost once it is asked for.
func (s *Store) addChild(ctx context.Context, of *parent, child string, make func(of *parent) (*flow.Info, error)) (*flow.Info, error) {
	if err := flow.ValidateID(child); err != nil {
		return nil, err
	}
	source := childPrefix + child
	err := s.insist(ctx, func() error {
		_, err := s.run(ctx, joinScript, of.id, of.made.UnixMilli(), source)
		return err
	})
	if err != nil {
		return nil, err
	}
	info, err := make(of)
	if err == nil {
		return info, s.cancelWith(ctx, of, child)
	}
	if !errors.Is(err, drayhorse.ErrUnavailable) {
		left := s.insist(ctx, func() error {
			_, err := s.run(ctx, leaveScript, of.id, of.made.UnixMilli(), source)
			return err
		})
		err = errors.Join(err, left)
	}
	return nil, err
}

// cancelWith cancels a member that was made while its batch was cancelled.
func (s *Store) cancelWith(ctx context.Context, of *parent, child string) error {
	batch, err := s.Get(ctx, of.id)
	if errors.Is(err, drayhorse.ErrNotFound) || err == nil && batch.Reason == "" {
		return nil
	}
	if err == nil {
		_, err = s.Cancel(ctx, child, cancelledWith)
	}
	if errors.Is(err, drayhorse.ErrFlowEnded) {
		return nil
	}
	return err
}

// cancelledWith is the reason of a flow that was cancelled with the batch of which it is a member.
const cancelledWith = "its batch was cancelled"

// lostAfter is after how long a member that is not there is not on its way either.
const lostAfter = time.Minute

// row gives what a batch is to know of a flow that is its member; "" if there is none.
func (s *Store) row(ctx context.Context, of *parent, child string) (string, error) {
	value, err := s.client.Run(ctx, s.callOn(childScript, child, of.String()))
	return redis.AsString(value), failure(childScript, err)
}

// doChild does an op of a batch about a flow that is its member, and gives its row since; "" for none.
func (s *Store) doChild(ctx context.Context, child string, o op) (string, error) {
	of := &parent{o.id, o.made}
	row, err := s.row(ctx, of, child)
	if err != nil || o.sort == 'f' {
		return "", err
	}
	lost := fmt.Sprintf("%d|1|0|0|1", s.client.Now().UnixMicro())
	switch o.sort {
	case 's', 't':
		if joined := millis(o.what); row == "" && !joined.IsZero() && s.client.Now().Sub(joined) > lostAfter {
			row = lost
		}
		return row, nil
	case 'x':
		if row == "" {
			return lost, nil
		}
		if _, err := s.Cancel(ctx, child, cancelledWith); err != nil && !errors.Is(err, drayhorse.ErrFlowEnded) && !errors.Is(err, drayhorse.ErrNotFound) {
			return "", err
		}
		return s.row(ctx, of, child)
	}
	return "", fmt.Errorf("flows: op %q of a sort that this program does not know", o.entry)
}

// tellParent tells a batch what a flow that is its member has come to, and does what it wants done then.
func (s *Store) tellParent(ctx context.Context, sh *shard, o op) error {
	id := strings.TrimPrefix(o.to, parentPrefix)
	made := millis(o.what)
	row, err := s.row(ctx, &parent{id, made}, o.id)
	if err != nil {
		return err
	}
	waiting := int64(0)
	if row != "" {
		value, err := s.run(ctx, endsScript, id, made.UnixMilli(), childPrefix+o.id, row)
		if err != nil {
			return err
		}
		waiting = redis.AsInt(value)
	}
	if _, err := s.run(ctx, ackScript, o.id, o.entry, ""); err != nil {
		return err
	}
	if next := s.shardOf(id); waiting > 0 && next != sh {
		return s.drain(ctx, next)
	}
	return nil
}
