// Package operate is the verbs of the operator's tool that inspect and manage jobs and
// queues: tables for people, JSON for programs.
package operate
