package dashboard

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"strings"
	"unicode"

	"github.com/go-json-experiment/json/jsontext"
)

// defaultMask are parts of names whose fields may be secret.
var defaultMask = []string{
	"password", "passwd", "passphrase", "pwd", "secret", "token", "apikey", "accesskey", "privatekey", "authorization", "bearer",
	"credential", "cookie", "session", "signature", "cardnumber", "creditcard", "cvv", "cvc", "iban",
}

// DefaultMask are the parts of names that are always masked.
func DefaultMask() []string { return append([]string(nil), defaultMask...) }

const (
	maxMask = 64    // bytes of a part of a name
	masked  = "***" // what is shown instead
)

// masks knows which fields are masked.
type masks []string

func newMasks(more []string) masks {
	var all masks
	for _, text := range append(DefaultMask(), more...) {
		all = append(all, plainName(text))
	}
	return all
}

// plainName is what names are compared by: letters and digits in lower case.
func plainName(name string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsLetter(r) || unicode.IsDigit(r) {
			return unicode.ToLower(r)
		}
		return -1
	}, name)
}

func (m masks) hides(name string) bool {
	name = plainName(name)
	for _, part := range m {
		if strings.Contains(name, part) {
			return true
		}
	}
	return false
}

// mask gives JSON with the values of such fields masked, whatever they are, and says whether
// there were any. Numbers stay as they were written. What is no JSON is masked as a whole.
func (m masks) mask(raw json.RawMessage) (json.RawMessage, bool) {
	if len(raw) == 0 {
		return raw, false
	}
	var out bytes.Buffer
	options := []jsontext.Options{jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true)}
	from := jsontext.NewDecoder(bytes.NewReader(raw), options...)
	to := jsontext.NewEncoder(&out, options...)
	hidden := false
	for {
		kind, n := from.StackIndex(from.StackDepth())
		name := kind == '{' && n%2 == 0
		token, err := from.ReadToken()
		if errors.Is(err, io.EOF) {
			return bytes.TrimRight(out.Bytes(), "\n"), hidden
		}
		hide := err == nil && name && token.Kind() == '"' && m.hides(token.String())
		if err == nil {
			err = to.WriteToken(token)
		}
		if err == nil && hide {
			hidden = true
			if err = from.SkipValue(); err == nil {
				err = to.WriteToken(jsontext.String(masked))
			}
		}
		if err != nil {
			return json.RawMessage(`"` + masked + `"`), true
		}
	}
}
