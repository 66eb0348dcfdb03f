package conf

import (
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v4"
)

// JSON is a value of any form, such as the arguments of a job. In a file it is YAML,
// read by the core schema of YAML 1.2:
//
//   - true and false, True, TRUE and so on, are truths; yes, no, on and off are text.
//   - null, ~ and nothing at all are null.
//   - 42, -1.50 and 1e3 are numbers and keep their digits, however many. +5 becomes 5,
//     .5 becomes 0.5, 5. becomes 5.0, 0x1F becomes 31 and 0o17 becomes 15.
//   - A number that begins with a needless zero, such as 0755 or 01234, is text: it is
//     octal to some, decimal to others, and most often a code.
//   - Everything else is text: dates, times, 1_000, and whatever has quotes.
//
// .inf and .nan are refused, as JSON has none of them. Keys are text as they stand,
// and are sorted. Nil is no value.
type JSON []byte

// MarshalYAML gives it as YAML in one line.
func (j JSON) MarshalYAML() (any, error) {
	if len(j) == 0 {
		return nil, nil
	}
	var n yaml.Node
	if err := yaml.Load(j, &n, yaml.WithPlugin(nesting{})); err != nil {
		return nil, err
	}
	return n.Content[0], nil
}

// json appends a node to a text.
func (d *decoder) json(text []byte, n *yaml.Node, key *path) []byte {
	if n = d.enter(n, key); n == nil {
		return append(text, "null"...)
	}
	defer d.leave(n)
	d.note(n, key)
	return d.jsonOf(text, n, key)
}

// jsonOf appends a node that was entered.
func (d *decoder) jsonOf(text []byte, n *yaml.Node, key *path) []byte {
	switch n.Kind {
	case yaml.SequenceNode:
		text = append(text, '[')
		for i, item := range n.Content {
			if i > 0 {
				text = append(text, ',')
			}
			text = d.json(text, item, key.item(i))
		}
		return append(text, ']')
	case yaml.MappingNode:
		pairs := d.pairs(n, key)
		slices.SortFunc(pairs, func(a, b pair) int { return strings.Compare(a.key, b.key) })
		text = append(text, '{')
		for i, p := range pairs {
			if i > 0 {
				text = append(text, ',')
			}
			text = append(appendText(text, p.key), ':')
			text = d.json(text, p.value, key.to(p.key))
		}
		return append(text, '}')
	}
	return d.jsonScalar(text, n, key)
}

func (d *decoder) jsonScalar(text []byte, n *yaml.Node, key *path) []byte {
	if n.Style&(yaml.SingleQuotedStyle|yaml.DoubleQuotedStyle|yaml.LiteralStyle|yaml.FoldedStyle) != 0 && n.Style&yaml.TaggedStyle == 0 {
		return appendText(text, n.Value)
	}
	value := plain(n.Value)
	if n.Style&yaml.TaggedStyle != 0 {
		switch tag := n.ShortTag(); tag {
		case "!!str", "!!binary", "!!timestamp", "!":
			return appendText(text, n.Value)
		case "!!int", "!!float", "!!bool", "!!null":
			if kindOf(value) != tag && (tag != "!!float" || kindOf(value) != "!!int") {
				d.fail(n, key, fmt.Sprintf("%q; want %s that fits its tag %s", clip(n.Value), map[string]string{
					"!!int": "a whole number", "!!float": "a number", "!!bool": "true or false", "!!null": "null",
				}[tag], tag))
				return append(text, "null"...)
			}
		default:
			d.fail(n, key, fmt.Sprintf("has the tag %s; want none", tag))
			return append(text, "null"...)
		}
	}
	switch {
	case notFinite.MatchString(n.Value):
		d.fail(n, key, fmt.Sprintf("%q; want a number that JSON has, or quotes", n.Value))
		return append(text, "null"...)
	case value == "":
		return appendText(text, n.Value)
	}
	return append(text, value...)
}

var (
	notFinite = regexp.MustCompile(`^([-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN))$`)
	number    = regexp.MustCompile(`^[-+]?(\.[0-9]+|(0|[1-9][0-9]*)(\.[0-9]*)?)([eE][-+]?[0-9]+)?$`)
	based     = regexp.MustCompile(`^0(x[0-9a-fA-F]{1,16}|o[0-7]{1,21})$`)
)

// plain gives the JSON of text without quotes, "" if it is text.
func plain(text string) string {
	switch text {
	case "", "~", "null", "Null", "NULL":
		return "null"
	case "true", "True", "TRUE":
		return "true"
	case "false", "False", "FALSE":
		return "false"
	}
	switch {
	case based.MatchString(text):
		if n, err := strconv.ParseUint(text, 0, 64); err == nil {
			return strconv.FormatUint(n, 10)
		}
	case number.MatchString(text):
		text = strings.TrimPrefix(text, "+")
		sign := ""
		if strings.HasPrefix(text, "-") {
			sign, text = "-", text[1:]
		}
		if strings.HasPrefix(text, ".") {
			text = "0" + text
		}
		if before, after, found := strings.Cut(text, "."); found && (after == "" || after[0] == 'e' || after[0] == 'E') {
			text = before + ".0" + after
		}
		return sign + text
	}
	return ""
}

// kindOf gives the tag of what plain gave.
func kindOf(value string) string {
	switch value {
	case "":
		return "!!str"
	case "null":
		return "!!null"
	case "true", "false":
		return "!!bool"
	}
	if strings.ContainsAny(value, ".eE") {
		return "!!float"
	}
	return "!!int"
}

// appendText appends text as JSON that is YAML too, which has fewer characters.
func appendText(to []byte, text string) []byte {
	encoded, err := json.Marshal(text)
	if err != nil { // it is text
		panic(err)
	}
	for _, r := range string(encoded) {
		if r >= 0x7f && r <= 0x9f || r == 0xfeff || r == 0xfffe || r == 0xffff {
			to = fmt.Appendf(to, `\u%04x`, r)
		} else {
			to = utf8.AppendRune(to, r)
		}
	}
	return to
}
