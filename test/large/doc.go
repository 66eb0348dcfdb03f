// Package large has tests of what operators see and do where there are millions of jobs:
// make large. Without flags there are few, and no bounds on time, so that make test can
// tell whether it works.
package large
