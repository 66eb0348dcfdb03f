// Package handlers makes handlers of configuration, so that the worker daemon
// is useful without writing Go. There are two: exec runs a command with values
// of the arguments as argv items, http posts the arguments to a URL.
//
// What both defend against is a job written by somebody hostile: exec never
// lets a value reach a shell or another place in argv, and leaves no process
// behind; http reaches no address inside the network unless it is told to, and
// reads no more of an answer than its limit. docs/handlers.md is the reference
// for operators.
package handlers
