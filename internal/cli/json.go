package cli

import (
	"encoding/json"
	"io"
)

// PrintJSON writes v as one indented JSON value, for programs that people watch.
func PrintJSON(w io.Writer, v any) error {
	encoder := json.NewEncoder(w)
	encoder.SetIndent("", "  ")
	encoder.SetEscapeHTML(false)
	return encoder.Encode(v)
}
