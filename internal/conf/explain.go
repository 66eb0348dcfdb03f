package conf

import (
	"bytes"
	"errors"
	"fmt"
	"strings"

	"go.yaml.in/yaml/v4"
)

// explain says in plain words, and with the line, why a file is no YAML.
func explain(content []byte, err error) *Problem {
	e, ok := errors.AsType[*yaml.LoadError](err)
	if !ok {
		return &Problem{Text: strings.Join(strings.Fields(err.Error()), " ")}
	}
	at := e.Mark.Line
	line := strings.TrimRight(string(lineOf(content, at)), " \t\r")
	rest := ""
	if column := e.Mark.Column - 1; column >= 0 && column < len(line) {
		rest = line[column:]
	}
	opened := max(e.ContextMark.Line, 1)
	switch {
	case strings.Contains(e.Message, errTooDeep.Error()):
		return &Problem{Line: at, Text: errTooDeep.Error() + "; want fewer levels"}
	case e.ContextMsg == "while scanning an alias":
		return &Problem{Line: at, Text: quoted(line) + ": text that begins with * is an alias without quotes"}
	case strings.HasPrefix(e.Message, "unknown anchor"):
		return &Problem{Line: at, Text: quoted(line) + ": no anchor of that name stands above; text that begins with * is an alias without quotes"}
	case e.ContextMsg == "while scanning an anchor":
		return &Problem{Line: at, Text: quoted(line) + ": text that begins with & is an anchor without quotes"}
	case e.ContextMsg == "while scanning a quoted scalar" && strings.Contains(e.Message, "end of stream"):
		return &Problem{Line: opened, Text: "a quote that is not closed"}
	case strings.Contains(e.Message, "incompatible YAML"):
		return &Problem{Line: at, Text: fmt.Sprintf("%q; want %%YAML 1.2, or no such line", line)}
	case strings.Contains(e.Message, "tab character"):
		return &Problem{Line: at, Text: "a tab before the text; want spaces"}
	case strings.Contains(e.Message, "cannot start any token"):
		if strings.HasPrefix(rest, "\t") {
			return &Problem{Line: at, Text: "a tab before the text; want spaces"}
		}
		return &Problem{Line: at, Text: fmt.Sprintf("%s: text cannot begin with %.1s without quotes", quoted(line), rest)}
	case strings.HasPrefix(e.Message, "mapping values are not allowed") && strings.Count(line, ": ") < 2:
		return &Problem{Line: at, Text: fmt.Sprintf("%q does not fit the line above; want KEY: VALUE in both, at one indentation", strings.TrimSpace(line))}
	case strings.HasPrefix(e.Message, "mapping values are not allowed"):
		return &Problem{Line: at, Text: quoted(line) + ": the line has a second colon"}
	case strings.Contains(e.Message, "could not find expected ':'"):
		return &Problem{Line: opened, Text: fmt.Sprintf("%q; want KEY: VALUE", strings.TrimSpace(string(lineOf(content, opened))))}
	case strings.Contains(e.Message, "',' or '}'"):
		return &Problem{Line: opened, Text: "{ without its }, or a comma is missing"}
	case strings.Contains(e.Message, "',' or ']'"):
		return &Problem{Line: opened, Text: "[ without its ], or a comma is missing"}
	case e.ContextMsg == "while parsing a flow node":
		for at > 1 && len(bytes.TrimSpace(lineOf(content, at))) == 0 { // the end of the file
			at--
		}
		return &Problem{Line: at, Text: fmt.Sprintf("%q; want a value, and an end of each [ and {", strings.TrimSpace(string(lineOf(content, at))))}
	case strings.HasPrefix(e.ContextMsg, "while parsing a block"):
		return &Problem{Line: at, Text: fmt.Sprintf("%q stands at another indentation than what it goes on from, at line %d", strings.TrimSpace(line), opened)}
	}
	return &Problem{Line: at, Text: strings.TrimSpace(e.Message + " " + e.ContextMsg)}
}

// quoted says to put the value of a line in quotes, and shows it.
func quoted(line string) string {
	text := strings.TrimPrefix(strings.TrimSpace(line), "- ")
	key, value, found := strings.Cut(text, ": ")
	if !found {
		key, value = "", text
	} else {
		key += ": "
	}
	quote := `"`
	if strings.ContainsAny(value, `"\`) {
		quote = "'"
	}
	return "put the value in quotes, " + key + quote + strings.TrimSpace(value) + quote
}

func lineOf(content []byte, n int) []byte {
	for ; n > 1; n-- {
		_, content, _ = bytes.Cut(content, []byte("\n"))
	}
	line, _, _ := bytes.Cut(content, []byte("\n"))
	return line[:min(len(line), 200)]
}
