package scale

import "testing"

func TestSentBy(t *testing.T) {
	for line, want := range map[string]string{
		`+1795648295.734558 [0 127.0.0.1:56802] "EVALSHA" "3d50" "] \"x"`: "evalsha",
		`+1795648295.734532 [0 lua] "ZRANGE" "a" "0"`:                     "",
		`+OK`: "",
	} {
		if got := sentBy(line); got != want {
			t.Errorf("%s: %q, want %q", line, got, want)
		}
	}
}
