package conf_test

import (
	"testing"

	"github.com/drayhorse/drayhorse/internal/conf"
)

func TestMaskedURLsShowNoSecrets(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"https://h:1/a/b":                  "https://h:1/a/b",
		"https://me:s3cret@h/a?x=1&y#frag": "https://me:***@h/a?x=***&***#***",
		"https://s3cret@h":                 "https://***@h",
		"http://%zz:s3cret@h":              "http://***",
		"s3cret":                           "s3cret",
		"s3cr%et":                          "***",
		"":                                 "",
	} {
		if got := conf.MaskURL(text); got != want {
			t.Errorf("%s: %s; want %s", text, got, want)
		}
	}
}
