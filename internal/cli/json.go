package cli

import (
	"encoding/json"
	"io"

	"github.com/drayhorse/drayhorse/internal/printable"
)

// PrintJSON writes v as one indented JSON value, for programs that people watch. On a
// terminal, what is not printable is escaped; programs get it as it is.
func PrintJSON(w io.Writer, v any) error {
	encoder := newEncoder(w)
	encoder.SetIndent("", "  ")
	return encoder.Encode(v)
}

// PrintJSONLine writes v as one line of JSON, as PrintJSON does otherwise.
func PrintJSONLine(w io.Writer, v any) error { return newEncoder(w).Encode(v) }

func newEncoder(w io.Writer) *json.Encoder {
	if IsTerminal(w) {
		w = printable.JSONWriter(w)
	}
	encoder := json.NewEncoder(w)
	encoder.SetEscapeHTML(false)
	return encoder
}
