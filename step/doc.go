// Package step takes a handler step by step: what has succeeded is kept with the job, and is not
// done again when the job runs again, after an error, a deploy or the death of its worker.
//
//	charge, err := step.Run(ctx, "charge", func(ctx context.Context) (Charge, error) { ... })
//	if err != nil {
//		return err
//	}
//	if err := step.Sleep(ctx, "cool-off", 24*time.Hour); err != nil {
//		return err
//	}
//	answer, err := step.WaitSignal[Answer](ctx, "approved", 48*time.Hour)
//	thumbs, err := step.Jobs[Thumb](ctx, "thumbs", specs...) // each a job of its own
//
// Steps are found by their names. All of them belong to the job, and go with it. A call costs
// one round trip to Redis, and one more the first of them in each attempt, which reads what is
// kept. A job has at most 1,000 steps, whose results have at most 256 KiB each and 4 MiB
// together, and waits for at most 64 signals of 64 KiB.
//
// Steps may run in several goroutines of a handler. Once one of them has had the job sleep, the
// others begin no more steps in this run: they do in the next one.
//
// An operator's retry of a job that has ended goes on where it ended: what was kept stays so,
// also that a wait was in vain.
package step
