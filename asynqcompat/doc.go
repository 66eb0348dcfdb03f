// Package asynqcompat runs programs that were written for asynq
// (github.com/hibiken/asynq) on Drayhorse: [Handle] serves their handlers, [Client]
// takes their tasks and options. docs/from-asynq.md takes a program over step by
// step; drayhorse asynq drain moves the tasks that asynq has.
//
// A task becomes a job whose kind is the task's type, with the task's ID where it
// was given one. A payload that is JSON becomes the job's arguments byte for byte,
// so that handlers of either sort read it; other payloads are wrapped, and [Payload]
// unwraps them.
//
// What handlers ask of their context works as well, but for asynq's own functions:
// the key of the values they read is internal to asynq. [GetTaskID], [GetRetryCount],
// [GetMaxRetry], [GetQueueName] and [ResultWriter] stand in for them, under asynq as
// under Drayhorse.
//
// Not supported are the options Unique and Group, which are refused; and of asynq's
// server ErrorHandler and IsFailure (use middleware), BaseContext, GroupAggregator
// and HealthCheckFunc.
package asynqcompat
