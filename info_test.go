package drayhorse_test

import (
	"encoding/json"
	"testing"

	"github.com/drayhorse/drayhorse"
)

// FuzzInfo: what is known of a job says the same when it was read and written again.
func FuzzInfo(f *testing.F) {
	f.Add([]byte(`{"id":"a","queue":"q","state":"discarded","attempt":2,"max_attempts":2,"enqueued_at":"2030-01-02T15:04:05.678Z",
		"args":{"a":1},"result":"x","errors":[{"attempt":1,"at":"2030-01-02T15:04:05Z","message":"m","stack":"s"}]}`))
	f.Add([]byte(`{"args":null,"errors":[]}`))
	f.Add([]byte(`null`))
	f.Fuzz(func(t *testing.T, text []byte) {
		var info drayhorse.Info
		if json.Unmarshal(text, &info) != nil {
			return
		}
		once, err := json.Marshal(info)
		if err != nil {
			return // a time that RFC 3339 cannot say
		}
		var again drayhorse.Info
		if err := json.Unmarshal(once, &again); err != nil {
			t.Fatalf("%s: %v", once, err)
		}
		if twice, err := json.Marshal(again); err != nil || string(twice) != string(once) {
			t.Errorf("%s, then %s, %v", once, twice, err)
		}
	})
}
