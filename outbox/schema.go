package outbox

import (
	"fmt"
	"strings"
)

// Version is the version of the schema that this package writes and reads.
const Version = 1

// metaSQL makes the table that has the version and the lease, in one row.
const metaSQL = `CREATE TABLE IF NOT EXISTS {meta} (
	id       INTEGER PRIMARY KEY,
	version  INTEGER NOT NULL,
	holder   VARCHAR(64) NOT NULL,
	until_ms BIGINT NOT NULL
)`

// metaRow has a first row in it, of version 0.
const metaRow = `INSERT INTO {meta} (id, version, holder, until_ms)
SELECT 1, 0, '', 0 FROM (SELECT 1 AS one) AS one_row WHERE NOT EXISTS (SELECT 1 FROM {meta} WHERE id = 1)`

// migrations are the statements that lead to each version from the one before.
func (n names) migrations() [][]string {
	switch n.dialect {
	case Postgres:
		return [][]string{{postgresOutbox, postgresRefused}}
	case MySQL:
		return [][]string{{mysqlOutbox, mysqlRefused}}
	default:
		return [][]string{{sqliteOutbox, sqliteRefused}}
	}
}

// A drained table lives on vacuum: it comes after so many rows, not after a part of a
// table that is empty most of the time.
const postgresOutbox = `CREATE TABLE IF NOT EXISTS {outbox} (
	id         BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	queue      TEXT NOT NULL,
	job_id     TEXT NOT NULL,
	kind       TEXT NOT NULL,
	args       BYTEA NOT NULL,
	options    TEXT NOT NULL,
	size       INTEGER NOT NULL,
	created_ms BIGINT NOT NULL
) WITH (
	autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 10000, autovacuum_vacuum_cost_delay = 0,
	toast.autovacuum_vacuum_scale_factor = 0, toast.autovacuum_vacuum_threshold = 10000
)`

const postgresRefused = `CREATE TABLE IF NOT EXISTS {refused} (
	id         BIGINT PRIMARY KEY,
	queue      TEXT NOT NULL,
	job_id     TEXT NOT NULL,
	kind       TEXT NOT NULL,
	args       BYTEA NOT NULL,
	options    TEXT NOT NULL,
	size       INTEGER NOT NULL,
	created_ms BIGINT NOT NULL,
	refused_ms BIGINT NOT NULL,
	reason     TEXT NOT NULL
)`

const mysqlOutbox = `CREATE TABLE IF NOT EXISTS {outbox} (
	id         BIGINT NOT NULL AUTO_INCREMENT PRIMARY KEY,
	queue      VARCHAR(128) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
	job_id     VARCHAR(128) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
	kind       VARCHAR(128) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
	args       LONGBLOB NOT NULL,
	options    TEXT CHARACTER SET utf8mb4 NOT NULL,
	size       INTEGER NOT NULL,
	created_ms BIGINT NOT NULL
) ENGINE = InnoDB`

const mysqlRefused = `CREATE TABLE IF NOT EXISTS {refused} (
	id         BIGINT NOT NULL PRIMARY KEY,
	queue      VARCHAR(128) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
	job_id     VARCHAR(128) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
	kind       VARCHAR(128) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
	args       LONGBLOB NOT NULL,
	options    TEXT CHARACTER SET utf8mb4 NOT NULL,
	size       INTEGER NOT NULL,
	created_ms BIGINT NOT NULL,
	refused_ms BIGINT NOT NULL,
	reason     TEXT CHARACTER SET utf8mb4 NOT NULL
) ENGINE = InnoDB`

const sqliteOutbox = `CREATE TABLE IF NOT EXISTS {outbox} (
	id         INTEGER PRIMARY KEY AUTOINCREMENT,
	queue      TEXT NOT NULL,
	job_id     TEXT NOT NULL,
	kind       TEXT NOT NULL,
	args       BLOB NOT NULL,
	options    TEXT NOT NULL,
	size       INTEGER NOT NULL,
	created_ms INTEGER NOT NULL
)`

const sqliteRefused = `CREATE TABLE IF NOT EXISTS {refused} (
	id         INTEGER PRIMARY KEY,
	queue      TEXT NOT NULL,
	job_id     TEXT NOT NULL,
	kind       TEXT NOT NULL,
	args       BLOB NOT NULL,
	options    TEXT NOT NULL,
	size       INTEGER NOT NULL,
	created_ms INTEGER NOT NULL,
	refused_ms INTEGER NOT NULL,
	reason     TEXT NOT NULL
)`

// Schema is the SQL that makes the tables, for those who apply migrations with a tool of
// their own instead of Migrate. An empty table is DefaultTable.
func Schema(dialect Dialect, table string) (string, error) {
	return Migration(dialect, table, 0)
}

// Migration is the SQL that leads from a version of the schema to Version; version 0 is
// none. The error is drayhorse.ErrInvalid.
func Migration(dialect Dialect, table string, from int) (string, error) {
	n, err := newNames(dialect, table)
	if err != nil {
		return "", err
	}
	if from < 0 || from > Version {
		return "", invalid("schema version %d; want 0 to %d", from, Version)
	}
	var all []string
	if from == 0 {
		all = append(all, metaSQL, metaRow)
	}
	for _, statements := range n.migrations()[from:] {
		all = append(all, statements...)
	}
	all = append(all, fmt.Sprintf("UPDATE {meta} SET version = %d WHERE id = 1 AND version < %d", Version, Version))
	return n.sql(strings.Join(all, ";\n\n") + ";\n"), nil
}
