package conf

import "go.yaml.in/yaml/v4"

// Encode writes a struct with yaml tags as a YAML file.
func Encode(v any) ([]byte, error) {
	return yaml.Dump(v, yaml.WithQuotePreference(yaml.QuoteDouble), yaml.WithLineWidth(0))
}
