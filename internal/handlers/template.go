package handlers

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"unicode"
)

// template is one argv item: text and placeholders in turn. A placeholder is
// {{field}} or {{field.inner}}, spaces at its ends not counting; {{{{ stands
// for two braces.
type template []part

// part is text, or a value of the arguments where path is not empty.
type part struct {
	text string
	path []string
}

// parseTemplate reads an argv item. The error names the placeholder.
func parseTemplate(item string) (template, error) {
	var t template
	for {
		text, rest, found := strings.Cut(item, "{{")
		t = t.add(text)
		if !found {
			return t, nil
		}
		if escaped, ok := strings.CutPrefix(rest, "{{"); ok {
			t = t.add("{{")
			item = escaped
			continue
		}
		name, rest, found := strings.Cut(rest, "}}")
		if !found {
			return nil, fmt.Errorf("placeholder {{%s is not closed; want }}, or {{{{ for two braces", name)
		}
		path, err := parsePath(name)
		if err != nil {
			return nil, err
		}
		t = append(t, part{path: path})
		item = rest
	}
}

// add appends text, to the text before it if there is some.
func (t template) add(text string) template {
	switch last := len(t) - 1; {
	case text == "":
		return t
	case last >= 0 && t[last].path == nil:
		t[last].text += text
		return t
	}
	return append(t, part{text: text})
}

func parsePath(name string) ([]string, error) {
	path := strings.Split(strings.Trim(name, " "), ".")
	for _, field := range path {
		if field == "" || strings.ContainsFunc(field, notInField) {
			return nil, fmt.Errorf("placeholder {{%s}}; want field or field.inner of letters, digits, _ and -", name)
		}
	}
	return path, nil
}

func notInField(r rune) bool {
	return r != '_' && r != '-' && !unicode.IsLetter(r) && !unicode.IsDigit(r)
}

// placeholders reports whether the item takes values of the arguments.
func (t template) placeholders() bool {
	for _, p := range t {
		if p.path != nil {
			return true
		}
	}
	return false
}

// startsWithValue reports whether a value stands at the front of the item, where
// a dash would make an option of it.
func (t template) startsWithValue() bool { return len(t) > 0 && t[0].path != nil }

// String gives the item as it is written in a configuration.
func (t template) String() string {
	var b strings.Builder
	for _, p := range t {
		if p.path != nil {
			b.WriteString("{{" + strings.Join(p.path, ".") + "}}")
			continue
		}
		b.WriteString(strings.ReplaceAll(p.text, "{{", "{{{{"))
	}
	return b.String()
}

// expand puts in the values, byte for byte. What they contain is not read again:
// braces in a value stay braces.
func (t template) expand(args any, allowDash bool) (string, error) {
	var b strings.Builder
	for _, p := range t {
		if p.path == nil {
			b.WriteString(p.text)
			continue
		}
		value, err := lookUp(args, p.path)
		if err != nil {
			return "", fmt.Errorf("argument %s: %w", strings.Join(p.path, "."), err)
		}
		b.WriteString(value)
	}
	item := b.String()
	if t.startsWithValue() && !allowDash && strings.HasPrefix(item, "-") {
		return "", fmt.Errorf("argument %s: starts with a dash, which the command would take for an option", strings.Join(t[0].path, "."))
	}
	return item, nil
}

// lookUp gives the scalar at path as text. Numbers keep the digits they were
// sent with.
func lookUp(args any, path []string) (string, error) {
	for _, field := range path {
		object, ok := args.(map[string]any)
		if !ok {
			return "", errors.New("missing")
		}
		if args, ok = object[field]; !ok {
			return "", errors.New("missing")
		}
	}
	switch v := args.(type) {
	case string:
		if strings.ContainsRune(v, 0) {
			return "", errors.New("contains a NUL byte, which no argument of a command can")
		}
		return v, nil
	case json.Number:
		return v.String(), nil
	case bool:
		return fmt.Sprint(v), nil
	case nil:
		return "", errors.New("is null; want a string, number or boolean")
	case []any:
		return "", errors.New("is an array; want a string, number or boolean")
	default:
		return "", errors.New("is an object; want a string, number or boolean")
	}
}
