package jobs

import (
	"encoding/json"
	"testing"
)

// shape turns JSON into what go-redis may give: strings, int64, nil, lists.
func shape(v any) any {
	switch v := v.(type) {
	case float64:
		return int64(v)
	case []any:
		for i := range v {
			v[i] = shape(v[i])
		}
		return v
	case string:
		return v
	default:
		return nil
	}
}

// FuzzReplies: whatever a server answers, reading it does not panic.
func FuzzReplies(f *testing.F) {
	f.Add(`[1,"2",3,[],["a"],["b"],["1,2"],[],[]]`)
	f.Add(`[1,"1",2,3,"4",["k"],["lease","5"]]`)
	f.Add(`["live","running","envelope","0,0","","",""]`)
	f.Add(`["ended","completed|1|0|0|0|0|"]`)
	f.Fuzz(func(_ *testing.T, text string) {
		var v any
		if json.Unmarshal([]byte(text), &v) != nil {
			return
		}
		value := shape(v)
		p := &Partition{Queue: "q"}
		turned, err := (&Turn{Lease: NewLease(p, "l")}).decode(value)
		if err == nil {
			for i := range turned.Claims {
				turned.Claims[i].Suspect()
			}
		}
		(&Observation{}).decode(value)
		p.info("id", asList(value))
		asTime(value)
		asStrings(value)
	})
}

func TestRepliesReadAsZeroWhereTheyAreNot(t *testing.T) {
	t.Parallel()
	if asString(7) != "" || asInt("x") != 0 || asInt(nil) != 0 || asList("x") != nil || asStrings(nil) != nil || !asTime("").IsZero() {
		t.Error("what is of another type must read as zero")
	}
	if asInt("1.5e3") != 1500 || asInt("-7") != -7 {
		t.Errorf("scores: %d, %d", asInt("1.5e3"), asInt("-7"))
	}
}
