package lock

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/drayhorse/drayhorse"
)

func TestValidate(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name string
		cfg  Config
		want string // in the message; "" for valid
	}{
		{"zero", Config{}, ""},
		{"short", Config{Timing: Timing{TTL: 100 * time.Millisecond}}, ""},
		{"all", Config{Namespace: "app:test", Timing: Timing{15 * time.Second, 10 * time.Second, 2 * time.Second}}, ""},
		{"namespace", Config{Namespace: "a{b}"}, "namespace"},
		{"too short", Config{Timing: Timing{TTL: time.Millisecond}}, "TTL 1ms; want 100ms to 24h"},
		{"negative", Config{Timing: Timing{TTL: -time.Second}}, "TTL -1s"},
		{"too long", Config{Timing: Timing{TTL: 25 * time.Hour}}, "TTL 25h"},
		{"deadline at TTL", Config{Timing: Timing{TTL: time.Second, RenewDeadline: time.Second}}, "RenewDeadline 1s; want less than TTL 1s"},
		{"retry at deadline", Config{Timing: Timing{TTL: 3 * time.Second, RenewDeadline: 2 * time.Second, RetryPeriod: 2 * time.Second}}, "RetryPeriod 2s x 1.2"},
		{"retry within jitter", Config{Timing: Timing{TTL: 3 * time.Second, RenewDeadline: 1200 * time.Millisecond, RetryPeriod: time.Second}}, "RenewDeadline 1.2s; want more than RetryPeriod 1s x 1.2"},
		{"negative retry", Config{Timing: Timing{RetryPeriod: -1}}, "RetryPeriod -1ns"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			err := tt.cfg.Validate()
			if tt.want == "" {
				if err != nil {
					t.Error(err)
				}
				return
			}
			if !errors.Is(err, drayhorse.ErrInvalid) || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v, want ErrInvalid with %q", err, tt.want)
			}
			if _, err := New(nil, tt.cfg); !errors.Is(err, drayhorse.ErrInvalid) {
				t.Errorf("New: got %v, want ErrInvalid", err)
			}
		})
	}
}
