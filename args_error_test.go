package drayhorse_test

import (
	"encoding/json"
	"errors"
	"testing"

	"github.com/drayhorse/drayhorse"
)

// TestArgsErrorNamesTheField: an operator learns from the message what to look at.
func TestArgsErrorNamesTheField(t *testing.T) {
	t.Parallel()
	type address struct {
		City string `json:"city"`
		Zip  int16  `json:"zip"`
	}
	type order struct {
		ID   int64     `json:"id"`
		Ship address   `json:"ship"`
		All  []address `json:"all"`
	}
	for _, test := range []struct {
		args, field, message string
		strict               bool
	}{
		{args: `{"id":"7"}`, field: "id", message: `field "id" is a JSON string; want int64`},
		{args: `{"id":7.5}`, field: "id", message: `field "id" is a JSON number 7.5; want int64`},
		{args: `{"ship":{"zip":70000}}`, field: "ship.zip", message: `field "ship.zip" is a JSON number 70000; want int16`},
		{args: `{"ship":[1]}`, field: "ship", message: `field "ship" is a JSON array; want drayhorse_test.address`},
		{args: `{"all":[{"city":"a"},{"city":1}]}`, field: "all.city", message: `field "all.city" is a JSON number; want string`},
		{args: `[1]`, message: `they are a JSON array; want drayhorse_test.order`},
		{args: `"x"`, message: `they are a JSON string; want drayhorse_test.order`},
		{args: `{"id":7,"extra":1}`},
		{args: `{"id":7,"extra":1}`, strict: true, field: "extra", message: `field "extra" is not known to it`},
		{args: `{"id":7,"ship":{"town":"x"}}`, strict: true, field: "town", message: `field "town" is not known to it`},
		{args: `{"ID":7}`, strict: true},
		{args: `null`, strict: true},
	} {
		raw := &drayhorse.Job[json.RawMessage]{Kind: "order", Args: json.RawMessage(test.args)}
		decode := drayhorse.Decode[order]
		if test.strict {
			decode = drayhorse.DecodeStrict[order]
		}
		_, err := decode(raw)
		if test.message == "" {
			if err != nil {
				t.Errorf("%s, strict %v: %v; want none", test.args, test.strict, err)
			}
			continue
		}
		wrong, ok := errors.AsType[*drayhorse.ArgsError](err)
		if !ok || wrong.Field != test.field || wrong.Error() != `arguments of kind "order" do not fit drayhorse_test.order: `+test.message {
			t.Errorf("%s: %v (%+v); want field %q: %s", test.args, err, wrong, test.field, test.message)
		}
	}
}
