package email_test

import (
	"testing"

	"github.com/drayhorse/drayhorse/drayhorsetest"
	"github.com/drayhorse/drayhorse/examples/email"
)

// TestStoredArguments has jobs that an older version of the service has enqueued still be
// read by this one.
func TestStoredArguments(t *testing.T) {
	t.Parallel()
	drayhorsetest.RequireGolden(t, "testdata/welcome.jsonl", email.Welcome{UserID: 42})
	drayhorsetest.RequireGolden(t, "testdata/report.jsonl", email.Report{To: "boss@example.org", Days: 7})
}
