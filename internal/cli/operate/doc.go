// Package operate is the verbs of the operator's tool that see and steer jobs and
// queues: tables for people, JSON for programs.
package operate
