// Package browser tests the dashboard in a real browser: Debian's chromium, driven over its
// debugging protocol. On each page axe-core looks for what keeps people out. make test-browser runs
// it, and installs what is missing.
package browser
