// Package migrate is the verbs of the operator's tool that bring work over from
// other systems.
package migrate
