// Package cli is what the programs share: how they are called, configured,
// logged, watched and ended.
//
// A command is a [Def]: a name, a config struct with its defaults, and a function.
// Each field of the struct with a usage tag is one setting, named once by its yaml
// tag. From the name shutdown_timeout derive the key in the config file, the
// environment variable DRAYHORSE_SHUTDOWN_TIMEOUT and the flag --shutdown-timeout;
// a flag tag gives the flag a shorter name. The file gives way to the environment
// and both to flags. A field without a usage tag is in the file alone, and one
// whose yaml tag is "-" is a flag alone.
//
// Exit codes are 0, 1 for what failed and 2 for what was asked wrongly: all that
// is drayhorse.ErrInvalid, and all that this package finds wrong. Either is one
// line on stderr.
package cli
