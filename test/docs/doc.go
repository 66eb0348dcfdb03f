// Package docs holds the documentation to what it says: the blocks of the README are run
// in order, as a newcomer would who has never seen the project; the Go code of all pages
// compiles; and links lead somewhere.
//
// The first word after the three backquotes is the language; what follows says what a
// block is:
//
//	```go main.go      a file, as is ```yaml dev.yaml
//	```sh              commands, which end by themselves
//	```sh terminal 1   commands that run until the terminal is used again
//	```text            what the commands above have written; … stands for anything
package docs
