// Package conf turns what people write into Go values: single texts, as flags and
// environment variables have them, and YAML files. It words what is wrong, in one
// way wherever the text comes from: the value, and what would be right.
//
// Where a field wants text, it gets the text as it stands in the file: 0644, 1.10 and
// yes are what was written, and are no numbers or truths on the way. Only arguments
// of jobs, a [JSON], have a type of their own; see there.
//
// A file is read within the bounds of a [Limits], which hold before the parser sees
// it, so that no file takes the memory of a program that is running.
package conf
