package outbox_test

import (
	"fmt"
	"strings"

	"github.com/drayhorse/drayhorse/outbox"
)

// The SQL for a tool that applies migrations, in place of Box.Migrate: all of it for a new
// database, or what leads on from an older version.
func ExampleSchema() {
	schema, err := outbox.Schema(outbox.Postgres, "app.jobs")
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(strings.Count(schema, "CREATE TABLE"), strings.Contains(schema, "app.jobs"))
	later, err := outbox.Migration(outbox.Postgres, "app.jobs", outbox.Version)
	fmt.Println(strings.Count(later, "CREATE TABLE"), err)
	// Output:
	// 3 true
	// 0 <nil>
}
