package drayhorse

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
)

func TestPrioritiesAreTexts(t *testing.T) {
	t.Parallel()
	for _, p := range Priorities() {
		text, err := json.Marshal(p)
		var back Priority
		if err == nil {
			err = json.Unmarshal(text, &back)
		}
		if err != nil || back != p {
			t.Errorf("%v is written as %s and read as %v, %v", p, text, back, err)
		}
	}
	var p Priority
	if err := p.UnmarshalText([]byte("highest")); !errors.Is(err, ErrInvalid) || !strings.Contains(err.Error(), `"highest"; want low, normal, high, urgent`) {
		t.Errorf("error %v; want the text and what would be right", err)
	}
	if text, err := json.Marshal(Info{ID: "a"}); err != nil || strings.Contains(string(text), "priority") {
		t.Errorf("%s, %v; want nothing of the normal priority", text, err)
	}
}

func TestAPriorityIsAnOption(t *testing.T) {
	t.Parallel()
	s, err := Resolve(Priority(High), Priority(Low))
	if err != nil || s.Priority != Low || !s.Given.Has(FieldPriority) {
		t.Errorf("%+v, %v; want the last one", s, err)
	}
	for _, p := range []Priority{-2, 3} {
		if _, err := Resolve(p); !errors.Is(err, ErrInvalid) || !strings.Contains(err.Error(), "want Low, Normal, High or Urgent") {
			t.Errorf("%d: error %v, want ErrInvalid", p, err)
		}
	}
}
