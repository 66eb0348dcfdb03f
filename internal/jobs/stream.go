package jobs

import (
	"context"
	"fmt"
	"strconv"

	"github.com/drayhorse/drayhorse"
)

// MaxRead is how many bytes of a stream one call reads.
const MaxRead = 64 << 10

// StreamState is a part of a stream, and how it stands.
type StreamState struct {
	Live    bool // the job is: more may come
	Found   bool // something was written to it
	Attempt int  // that wrote what is there
	Start   int64
	Stop    int64 // what is there begins and ends here
	Data    []byte
	Offset  int64 // where the data begins
}

// ReadStream reads a stream from an offset on, at most MaxRead bytes. The error is
// drayhorse.ErrNotFound if the job is not known.
func (p *Partition) ReadStream(ctx context.Context, id, name string, offset int64) (*StreamState, error) {
	value, err := p.run(ctx, streamScript, id, name, offset, MaxRead)
	if err != nil {
		return nil, err
	}
	reply := asList(value)
	if len(reply) != 5 {
		return nil, fmt.Errorf("stream: unexpected reply %v", value)
	}
	s := &StreamState{Live: reply[0] == "live", Found: asString(reply[1]) != "", Start: asInt(reply[2]), Stop: asInt(reply[3]), Data: []byte(asString(reply[4]))}
	if reply[0] == "unknown" {
		return nil, fmt.Errorf("%w: job %s in queue %s", drayhorse.ErrNotFound, UnpackID(id), p.Queue)
	}
	s.Attempt, _ = strconv.Atoi(asString(reply[1]))
	s.Offset = max(offset, s.Start)
	return s, nil
}

// Log reads the log of a job, and says whether the job is live. The error is
// drayhorse.ErrNotFound if it is not known.
func (p *Partition) Log(ctx context.Context, id string) (log *drayhorse.JobLog, live bool, err error) {
	value, err := p.run(ctx, logScript, id)
	if err != nil {
		return nil, false, err
	}
	reply := asList(value)
	if len(reply) != 2 {
		return nil, false, fmt.Errorf("log: unexpected reply %v", value)
	}
	if reply[0] == "unknown" {
		return nil, false, fmt.Errorf("%w: job %s in queue %s", drayhorse.ErrNotFound, UnpackID(id), p.Queue)
	}
	return decodeLog(asString(reply[1])), reply[0] == "live", nil
}
