// Package schedule is the scheduler daemon, and the verbs that see and steer
// schedules.
package schedule
