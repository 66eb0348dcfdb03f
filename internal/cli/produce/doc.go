// Package produce is the producer program: jobs from the command line and from
// files.
package produce
