// Package release makes a release of the platform that it runs on and looks at it as a
// user would: checksums, the list of modules, the program, and the packages, which are
// installed into a root of their own.
package release
