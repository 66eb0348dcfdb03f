package drayhorse

import "fmt"

// QueueFullError says that a job was not stored, since its queue has its maximum depth, as
// an operator has set it. It may be enqueued again when workers have made room.
type QueueFullError struct {
	Queue     string
	Partition int // where the job was to go
	Depth     int // how many live jobs there may be in that partition
}

func (e *QueueFullError) Error() string {
	if e.Partition > 0 {
		return fmt.Sprintf("queue %s is full: its partition %d has the %d jobs that it may have", e.Queue, e.Partition, e.Depth)
	}
	return fmt.Sprintf("queue %s is full: it has the %d jobs that it may have", e.Queue, e.Depth)
}

// Unwrap gives ErrQueueFull.
func (e *QueueFullError) Unwrap() error { return ErrQueueFull }
