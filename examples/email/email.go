// Package email is what the example's service and its worker share: the arguments of
// their jobs.
package email

// Welcome greets a new user.
type Welcome struct {
	UserID int64 `json:"user_id"`
}

// Kind names the handler.
func (Welcome) Kind() string { return "welcome" }

// Report sends a list of new users to somebody.
type Report struct {
	To   string `json:"to"`
	Days int    `json:"days"`
}

// Kind names the handler.
func (Report) Kind() string { return "report" }
