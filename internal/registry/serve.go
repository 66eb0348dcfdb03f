package registry

import (
	"fmt"
	"slices"
)

// WhyWaits says why no worker would claim a job of a kind in a queue, as far as the
// workers tell; "" where one would, or where they name too few of their queues and kinds
// to tell.
func WhyWaits(workers []Worker, queue, kind string) string {
	if none := WhyAllWait(workers, queue); none != "" {
		return none
	}
	serving := slices.DeleteFunc(slices.Clone(workers), func(w Worker) bool { return !w.worksOn(queue) || !w.serves(kind) })
	if len(serving) == 0 {
		return fmt.Sprintf("no worker of queue %s has a handler for kind %s", queue, kind)
	}
	if !slices.ContainsFunc(serving, func(w Worker) bool { return w.State == Working }) {
		return fmt.Sprintf("the workers that serve kind %s of queue %s claim no more jobs: they are quiet or stopping", kind, queue)
	}
	return ""
}

// WhyAllWait says why no worker would claim any job in a queue, as WhyWaits does of one.
func WhyAllWait(workers []Worker, queue string) string {
	if len(workers) == 0 {
		return "no worker runs"
	}
	if !slices.ContainsFunc(workers, func(w Worker) bool { return w.worksOn(queue) }) {
		return fmt.Sprintf("no worker works on queue %s", queue)
	}
	return ""
}

func (w *Worker) worksOn(queue string) bool {
	_, named := w.Queues[queue]
	return named || w.QueueCount > len(w.Queues)
}

func (w *Worker) serves(kind string) bool {
	return w.AnyKind || slices.Contains(w.Kinds, kind) || w.KindCount > len(w.Kinds)
}

// Slots counts the slots of the workers that would claim a job of a kind in a queue, and these
// workers, and says whether all of them are taken.
func Slots(all []Worker, queue, kind string) (slots, workers int, busy bool) {
	busy = true
	for i := range all {
		w := &all[i]
		if w.State != Working || !w.worksOn(queue) || !w.serves(kind) {
			continue
		}
		slots, workers = slots+w.Concurrency, workers+1
		busy = busy && w.Running >= w.Concurrency
	}
	return slots, workers, busy && workers > 0
}
