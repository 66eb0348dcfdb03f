package outbox

import (
	"os"
	"strings"
	"testing"
)

// TestDocsPrintTheSchema: whoever copies the SQL from there has what Schema prints.
func TestDocsPrintTheSchema(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile("../docs/outbox.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range []Dialect{Postgres, MySQL, SQLite} {
		text, err := Schema(d, "")
		if err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(string(page), "```sql\n"+text+"```\n") {
			t.Errorf("docs/outbox.md does not have, between ```sql and ```, the schema of %v:\n%s", d, text)
		}
	}
}
