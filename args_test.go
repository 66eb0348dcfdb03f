package drayhorse_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/drayhorse/drayhorse"
)

type email struct {
	To string `json:"to"`
}

func (email) Kind() string { return "email" }

type broken struct{ C chan int }

func (broken) Kind() string { return "broken" }

func TestEncodeArgs(t *testing.T) {
	for _, test := range []struct {
		args drayhorse.Args
		want string
	}{
		{email{To: "a"}, `{"to":"a"}`},
		{drayhorse.Raw("email", json.RawMessage(`{"big": 12345678901234567890, "empty": []}`)), `{"big": 12345678901234567890, "empty": []}`},
		{drayhorse.Raw("email", nil), "null"},
		{drayhorse.Raw("email", json.RawMessage("  ")), "null"},
		{drayhorse.Raw("email", json.RawMessage(`{"many":["`+strings.Repeat("[", 600)+`"]}`)), `{"many":["` + strings.Repeat("[", 600) + `"]}`},
		{drayhorse.Raw("email", json.RawMessage(`[`+strings.Repeat("[],", 600)+`1]`)), `[` + strings.Repeat("[],", 600) + `1]`},
	} {
		got, err := drayhorse.EncodeArgs(test.args, 30_000)
		if err != nil || string(got) != test.want {
			t.Errorf("EncodeArgs(%v) = %s, %v, want %s", test.args, got, err, test.want)
		}
	}
}

func TestBadArgsAreNamed(t *testing.T) {
	for _, test := range []struct {
		args drayhorse.Args
		err  error
		says string
	}{
		{nil, drayhorse.ErrInvalid, "nil"},
		{broken{}, drayhorse.ErrInvalid, `"broken"`},
		{drayhorse.Raw("email", json.RawMessage(`{"to":`)), drayhorse.ErrInvalid, "not JSON"},
		{drayhorse.Raw("email", json.RawMessage(`{} {}`)), drayhorse.ErrInvalid, "not JSON"},
		{drayhorse.Raw("email", json.RawMessage("\"\xff\"")), drayhorse.ErrInvalid, "UTF-8"},
		{drayhorse.Raw("email", json.RawMessage(`"`+strings.Repeat("x", 29_999)+`"`)), drayhorse.ErrArgsTooLarge, "30001 bytes, at most 30000"},
		{drayhorse.Raw("email", json.RawMessage(strings.Repeat(`[{"a]\"]":`, 251)+`1`+strings.Repeat("}]", 251))), drayhorse.ErrInvalid, "nested more than 500 deep"},
		{drayhorse.Raw("email", json.RawMessage(strings.Repeat("[", 10_000)+strings.Repeat("]", 10_000))), drayhorse.ErrInvalid, "nested more than 500 deep"},
		{email{To: strings.Repeat("x", 30_000)}, drayhorse.ErrArgsTooLarge, "at most 30000"},
	} {
		_, err := drayhorse.EncodeArgs(test.args, 30_000)
		if !errors.Is(err, test.err) || !errors.Is(err, drayhorse.ErrInvalid) || !strings.Contains(err.Error(), test.says) {
			t.Errorf("err = %v, want %v saying %q", err, test.err, test.says)
		}
	}
}
