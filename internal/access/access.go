// Package access says who may do what on the dashboard: roles with the rights that they give,
// and users with the jobs that they are about.
package access

import (
	"fmt"
	"slices"
	"strings"

	"github.com/drayhorse/drayhorse"
	"github.com/drayhorse/drayhorse/internal/scope"
)

// Role is what a user is. Each may do all that those before it may.
type Role string

// The roles.
const (
	Viewer   Role = "viewer"   // sees queues, jobs, workers and schedules, and nothing of what jobs are about
	Reader   Role = "reader"   // and arguments, results and errors, fields that may be secret masked
	Operator Role = "operator" // and retries, cancels, pauses, resumes and runs schedules
	Admin    Role = "admin"    // and deletes, writes schedules and limits, acts on all jobs that match, sees masked fields and the audit
)

// Roles are all of them, the least first.
func Roles() []Role { return []Role{Viewer, Reader, Operator, Admin} }

// Right is what a page or an action needs.
type Right int

// The rights.
const (
	Nobody  Right = iota // what was forgotten, which nobody has
	Anyone               // before a login, too
	Known                // whoever has logged in
	See                  // what there is and how it goes
	Read                 // what jobs are about: arguments, results, errors
	Steer                // single jobs, queues and schedules, in ways that can be undone
	Delete               // what cannot
	Declare              // what holds for jobs to come: schedules and limits
	Bulk                 // whatever matches a filter
	Reveal               // masked fields
	Audit                // who did what
)

// least is the least role that has a right.
var least = map[Right]Role{See: Viewer, Read: Reader, Steer: Operator, Delete: Admin, Declare: Admin, Bulk: Admin, Reveal: Admin, Audit: Admin}

// User is who makes a request. The zero value may nothing.
type User struct {
	// Name is for the log, the audit and what is kept of pauses and actions.
	Name string
	Role Role
	// Scope is the jobs that the role is for: QUEUE, or QUEUE/KIND, with * for all queues or
	// kinds. Empty: none.
	Scope []string
}

// Anybody is who comes where nobody is asked.
func Anybody() *User { return &User{Role: Admin, Scope: []string{scope.Every}} }

// May reports whether the role of a user gives a right. nil is a user that nobody knows.
func (u *User) May(r Right) bool {
	switch {
	case r == Anyone:
		return true
	case u == nil || u.Role == "" || r == Nobody:
		return false
	case r == Known:
		return slices.Contains(Roles(), u.Role)
	}
	needs, ok := least[r]
	return ok && slices.Index(Roles(), u.Role) >= slices.Index(Roles(), needs)
}

// Sees reports whether jobs of a kind in a queue are in the scope, SeesSome whether those of
// some kind are, SeesQueue whether those of all kinds are, and SeesAll whether all jobs are.
func (u *User) Sees(queue, kind string) bool { return scope.Scope(u.Scope).Has(queue, kind) }

// SeesSome see Sees.
func (u *User) SeesSome(queue string) bool { return scope.Scope(u.Scope).HasQueue(queue) }

// SeesQueue see Sees.
func (u *User) SeesQueue(queue string) bool { return scope.Scope(u.Scope).HasAll(queue) }

// SeesAll see Sees.
func (u *User) SeesAll() bool { return scope.Scope(u.Scope).HasAll(scope.Every) }

// Limits of a user.
const (
	maxName  = 128 // bytes
	maxScope = 200 // entries
)

// Validate reports the first impossible value, as drayhorse.ErrInvalid.
func (u *User) Validate() error {
	if u.Name == "" || len(u.Name) > maxName || strings.TrimSpace(u.Name) != u.Name || !isPrintable(u.Name) {
		return fmt.Errorf("%w: user %.140q; want a name of 1-%d printable bytes", drayhorse.ErrInvalid, u.Name, maxName)
	}
	if !slices.Contains(Roles(), u.Role) {
		return fmt.Errorf("%w: user %q has role %q; want viewer, reader, operator or admin", drayhorse.ErrInvalid, u.Name, u.Role)
	}
	if len(u.Scope) == 0 || len(u.Scope) > maxScope {
		return fmt.Errorf(`%w: user %q has a scope of %d entries; want 1 to %d, such as "*", mail or mail/welcome`, drayhorse.ErrInvalid, u.Name, len(u.Scope), maxScope)
	}
	if err := scope.Scope(u.Scope).Validate(); err != nil {
		return fmt.Errorf("user %q: %w", u.Name, err)
	}
	return nil
}
