package outbox

import (
	"cmp"
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

// Dialect is the SQL that a database speaks.
type Dialect int

// The dialects.
const (
	Postgres Dialect = iota + 1 // PostgreSQL 10 or later
	MySQL                       // MySQL 8.0, MariaDB 10.6 or later
	SQLite                      // SQLite 3.25 or later
)

// String is the name.
func (d Dialect) String() string {
	switch d {
	case Postgres:
		return "Postgres"
	case MySQL:
		return "MySQL"
	case SQLite:
		return "SQLite"
	default:
		return fmt.Sprintf("Dialect(%d)", int(d))
	}
}

// now is the database's clock in Unix milliseconds. All times of the outbox are by it,
// so that no application's wrong clock matters.
func (d Dialect) now() string {
	switch d {
	case Postgres:
		return "(EXTRACT(EPOCH FROM clock_timestamp()) * 1000)::bigint"
	case MySQL: // UNIX_TIMESTAMP would go back with summer time
		return "(TIMESTAMPDIFF(MICROSECOND, '1970-01-01', UTC_TIMESTAMP(3)) DIV 1000)"
	default:
		return "CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER)"
	}
}

// names are what stands for the tables in statements.
type names struct {
	dialect Dialect
	table   string
}

// sql writes a statement of this dialect: {outbox}, {refused} and {meta} are the tables,
// {now} is the clock and ? a parameter.
func (n names) sql(text string) string {
	text = strings.NewReplacer("{outbox}", n.table, "{refused}", n.table+"_refused", "{meta}", n.table+"_meta",
		"{now}", n.dialect.now()).Replace(text)
	if n.dialect != Postgres {
		return text
	}
	var out strings.Builder
	for i, part := range strings.Split(text, "?") {
		if i > 0 {
			out.WriteString("$" + strconv.Itoa(i))
		}
		out.WriteString(part)
	}
	return out.String()
}

// channel is what Postgres notifies.
func (n names) channel() string { return strings.ReplaceAll(n.table, ".", "_") }

// maxTable leaves room for what is added to the name, in the 63 bytes of Postgres.
const maxTable = 40

var tableName = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*(\.[A-Za-z_][A-Za-z0-9_]*)?$`)

func validTable(name string) bool { return len(name) <= maxTable && tableName.MatchString(name) }

func newNames(dialect Dialect, table string) (names, error) {
	if dialect < Postgres || dialect > SQLite {
		return names{}, invalid("Dialect %d; want Postgres, MySQL or SQLite", int(dialect))
	}
	if table = cmp.Or(table, DefaultTable); !validTable(table) {
		return names{}, invalid("Table %q; want at most %d of letters, digits and _, with a schema and a dot before it if it has one", table, maxTable)
	}
	return names{dialect, table}, nil
}
