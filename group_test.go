package drayhorse

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
)

func TestAGroupIsAnOption(t *testing.T) {
	t.Parallel()
	s, err := Resolve(Group("tenant-1"), Group("tenant-42@eu"))
	if err != nil || s.Group != "tenant-42@eu" || !s.Given.Has(FieldGroup) {
		t.Errorf("%+v, %v; want the last one", s, err)
	}
	for _, name := range []string{"", "*", "a/b", "{}", "a b", "a#b", "ä", "a\x00", strings.Repeat("x", MaxNameLength+1)} {
		if _, err := Resolve(Group(name)); !errors.Is(err, ErrInvalid) || !strings.Contains(err.Error(), "want 1-128 of letters, digits and _ . : - @") {
			t.Errorf("%.20q: error %v; want ErrInvalid, and what would be right", name, err)
		}
	}
	if text, err := json.Marshal(Info{ID: "a"}); err != nil || strings.Contains(string(text), "group") {
		t.Errorf("%s, %v; want nothing where there is no group", text, err)
	}
}
