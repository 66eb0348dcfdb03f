package drayhorse_test

import (
	"bytes"
	"encoding/json"
	"net/netip"
	"reflect"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/drayhorse/drayhorse"
)

type base struct {
	Tenant int64 `json:"tenant,string"`
	Shared string
}

// everything has a field of each sort that encoding/json treats in a way of its own.
type everything struct {
	base
	*extra
	Name    string `json:"name,omitempty"`
	Folded  int
	Small   int8                   `json:"small"`
	Sign    uint16                 `json:"sign"`
	Ratio   float32                `json:"ratio"`
	Yes     *bool                  `json:"yes"`
	Any     any                    `json:"any"`
	Tags    []string               `json:"tags"`
	Pair    [2]int                 `json:"pair"`
	Bytes   []byte                 `json:"bytes"`
	Octets  [3]byte                `json:"octets"`
	Map     map[string]int         `json:"map"`
	Keys    map[int]string         `json:"keys"`
	Hosts   map[netip.Addr]bool    `json:"hosts"`
	Nested  []map[string]*base     `json:"nested"`
	At      time.Time              `json:"at"`
	Wait    time.Duration          `json:"wait"`
	Number  json.Number            `json:"number"`
	Numbers map[string]json.Number `json:"numbers"`
	Raw     json.RawMessage        `json:"raw"`
	Custom  shout                  `json:"custom"`
	Ignored string                 `json:"-"`
	Quoted  bool                   `json:"quoted,string"`
}

type extra struct {
	Shared string `json:"shared"`
	Deep   *everything
}

// shout decodes itself.
type shout string

func (s *shout) UnmarshalJSON(data []byte) error {
	*s = shout(data) + "!"
	return nil
}

// FuzzJSON holds Raw and Decode to what encoding/json makes of the same bytes.
func FuzzJSON(f *testing.F) {
	for _, seed := range []string{
		`null`, `{}`, ` {"name":"a\u00e9\ud800 \xff", "NAME":"twice"} `, `{"folded":1,"FOLDED":2,"ſhared":"s"}`,
		`{"tenant":"7","shared":"x","Shared":"y","quoted":"true"}`, `{"tenant":7}`, `{"quoted":"null"}`,
		`{"small":128}`, `{"small":1.0}`, `{"small":1e1}`, `{"sign":-1}`, `{"ratio":3.5e38}`, `{"ratio":0.1}`, `{"yes":null}`,
		`{"any":[1,1.5,"x",null,{"a":{}},18446744073709551616]}`, `{"tags":["a",null],"tags":["b"]}`, `{"tags":null}`,
		`{"pair":[1,2,3]}`, `{"pair":[1]}`, `{"bytes":"aGk="}`, `{"bytes":[1,2]}`, `{"bytes":"aGk"}`, `{"octets":[1,2,3]}`, `{"octets":"AQID"}`,
		`{"map":{"a":1,"a":2}}`, `{"keys":{"1":"x","y":"z"}}`, `{"hosts":{"10.0.0.1":true}}`, `{"hosts":{"x":true}}`,
		`{"nested":[{"a":{"tenant":"1"}},{"b":null}]}`, `{"at":"2026-11-26T10:00:00Z"}`, `{"at":1}`, `{"wait":1000000}`, `{"wait":"1s"}`,
		`{"number":1e400}`, `{"number":"12"}`, `{"number":"abc"}`, `{"number":null,"numbers":{"a":1,"b":"2"}}`, `{"raw": {"a" : 1} }`,
		`{"custom":{"a":1}}`, `{"custom":null}`, `{"-":"x","ignored":"y"}`, `{"deep":{"name":"x"}}`, `{"unknown":[[{}]]}`,
		`{"name":1}`, `{"name":"x"} trailing`, `{"name":"x",}`, `{"name":"tab\t"}`, "{\"name\":\"tab\t\"}", `[1]`, `"x"`, ``, `{`,
		"\xef\xbb\xbf{}", `{"name":"\u0000"}`, `{"any":-0,"ratio":-0}`, `{"small":01}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		if utf8.Valid(data) && len(bytes.TrimSpace(data)) > 0 {
			_, err := drayhorse.EncodeArgs(drayhorse.Raw("k", data), len(data))
			if (err == nil) != json.Valid(data) {
				t.Fatalf("%q: %v; valid to encoding/json: %v", data, err, json.Valid(data))
			}
		}
		var want everything
		wantErr := json.Unmarshal(data, &want)
		got, err := drayhorse.Decode[everything](&drayhorse.Job[json.RawMessage]{Kind: "k", Args: data})
		if (err == nil) != (wantErr == nil) {
			t.Fatalf("%q: %v; encoding/json: %v", data, err, wantErr)
		}
		if err == nil && !reflect.DeepEqual(got.Args, want) {
			t.Fatalf("%q:\n%+v\nencoding/json:\n%+v", data, got.Args, want)
		}
	})
}
