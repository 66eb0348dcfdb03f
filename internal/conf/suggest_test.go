package conf

import "testing"

func TestNearestName(t *testing.T) {
	t.Parallel()
	keys := []string{"end", "id", "kind", "queue", "start", "start_within", "timeout", "timezone"}
	for name, want := range map[string]string{
		"knd": "kind", "kid": "kind", "nd": "end", "queu": "queue", "timezon": "timezone", "startwithin": "start_within", "timez": "timezone", "colour": "",
	} {
		if got := Nearest(name, keys); got != want {
			t.Errorf("%q: %q, want %q", name, got, want)
		}
	}
}
