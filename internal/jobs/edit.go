package jobs

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/drayhorse/drayhorse"
)

// editTries is how often a change is made anew because the job has changed meanwhile.
const editTries = 10

// EditArgs gives a job that waits other arguments, JSON of at most drayhorse.DefaultMaxArgs
// bytes, and changes nothing else: neither its place in line nor what it is unique by. A repeat
// changes nothing. The error is drayhorse.ErrNotFound if the job is not live, and a
// *drayhorse.EndedError where it is known that it has ended; ErrRunning; or ErrInvalid.
func (p *Partition) EditArgs(ctx context.Context, id string, args json.RawMessage) error {
	for range editTries {
		found, err := p.inspect(ctx, []string{id})
		if err != nil {
			return err
		}
		before, live := liveEnvelope(found[0])
		if !live {
			return p.orEnded(ctx, id, p.unknown(id))
		}
		envelope, err := DecodeEnvelope(before)
		if err == nil {
			args, err = drayhorse.EncodeArgs(drayhorse.Raw(envelope.Kind, args), drayhorse.DefaultMaxArgs)
		}
		switch {
		case err != nil:
			return fmt.Errorf("job %s: %w", UnpackID(id), err)
		case string(envelope.Args) == string(args):
			return nil
		}
		after := before[:len(before)-len(envelope.Args)] + string(args) // they are its end
		large := 0
		if len(after) > largeEnvelope {
			large = 1
		}
		if _, err = p.run(ctx, editScript, id, before, after, large); !errors.Is(err, errChanged) {
			return p.orEnded(ctx, id, err)
		}
	}
	return fmt.Errorf("edit job %s: %w: it changes all the time", UnpackID(id), drayhorse.ErrBusy)
}
