// Package check has no code, only tests: of the outbox on PostgreSQL, MariaDB and SQLite,
// which they start themselves. It is a module of its own, so that the product's has none
// of the drivers.
package check
