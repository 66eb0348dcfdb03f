// Package schedule is the scheduler daemon, and the verbs that inspect and manage
// schedules.
package schedule
