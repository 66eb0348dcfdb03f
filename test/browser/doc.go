// Package browser tests the dashboard in a real browser: Debian's chromium, driven over its
// debugging protocol. make test-browser runs it, and installs what is missing.
package browser
