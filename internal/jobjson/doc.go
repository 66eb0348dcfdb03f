// Package jobjson reads jobs that are written as JSON, alone or one a line, for
// all that take jobs from programs in other languages: producer import and the
// HTTP door.
//
//	{"kind": "digest", "args": {"path": "/etc/hostname"}, "queue": "files", "in": "5m", "id": "hostname"}
//
// What it lets through, a producer accepts: names, options and arguments are
// validated here, and what is ambiguous is refused, such as a field that comes
// twice or a number that no program can hold. Arguments keep their bytes.
package jobjson
