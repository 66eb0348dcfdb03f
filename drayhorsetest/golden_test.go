package drayhorsetest_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/drayhorse/drayhorse/drayhorsetest"
)

// welcomeV2 is what has become of welcome: a field has another name.
type welcomeV2 struct {
	User int64  `json:"user"`
	Plan string `json:"plan"`
}

func (welcomeV2) Kind() string { return "welcome" }

// welcomeV3 cannot read it at all.
type welcomeV3 struct {
	UserID string `json:"user_id"`
}

func (welcomeV3) Kind() string { return "welcome" }

// welcomeV4 has one field more.
type welcomeV4 struct {
	welcome
	Lang string `json:"lang"`
}

func TestGoldenArguments(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "testdata", "welcome.jsonl")
	first := func(tb testing.TB) { drayhorsetest.RequireGolden(tb, file, welcome{UserID: 42, Plan: "gold"}) }
	says(t, fails(t, first), map[string]string{file: "FILE"}, `
drayhorsetest: arguments of kind "welcome" are encoded in a new way, which is written to FILE now: commit it
    {"user_id":42,"plan":"gold"}`)
	first(t)
	more := func(tb testing.TB) {
		drayhorsetest.RequireGolden(tb, file, welcomeV4{welcome{UserID: 42, Plan: "gold"}, "en"})
	}
	if said := fails(t, more); !strings.Contains(said, "in a new way") {
		t.Errorf("of a new field it says %s", said)
	}
	more(t)
	stored, err := os.ReadFile(file)
	if want := "{\"user_id\":42,\"plan\":\"gold\"}\n{\"user_id\":42,\"plan\":\"gold\",\"lang\":\"en\"}\n"; err != nil || string(stored) != want {
		t.Errorf("the file has %s, %v", stored, err)
	}

	renamed := func(tb testing.TB) { drayhorsetest.RequireGolden(tb, file, welcomeV2{42, "gold"}) }
	says(t, fails(t, renamed), map[string]string{file: "FILE"}, `
drayhorsetest: FILE:1: arguments of kind "welcome" lose user_id
    stored   {"user_id":42,"plan":"gold"}
    decoded  {"user":0,"plan":"gold"}
A job of that version would run like this. Read the field again, or give the new arguments a kind of their own, or name it in drayhorsetest.Dropped`)
	dropped := func(tb testing.TB) {
		drayhorsetest.RequireGolden(tb, file, welcomeV2{42, "gold"}, drayhorsetest.Dropped("user_id", "lang"))
	}
	if said := fails(t, dropped); !strings.Contains(said, "in a new way") {
		t.Errorf("of a field that is dropped on purpose it says %s", said)
	}
	if said := fails(t, func(tb testing.TB) { drayhorsetest.RequireGolden(tb, file, welcomeV3{"42"}) }); !strings.Contains(said, ":1: ") || !strings.Contains(said, "user_id") {
		t.Errorf("of another type it says %s", said)
	}
}

func TestGoldenFilesAreBounded(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "welcome.jsonl")
	if err := os.WriteFile(file, []byte(strings.Repeat("{\"user_id\":1}\n", 1000)), 0o600); err != nil {
		t.Fatal(err)
	}
	said := fails(t, func(tb testing.TB) { drayhorsetest.RequireGolden(tb, file, welcome{UserID: 2}) })
	if !strings.Contains(said, "has 1000 versions already") {
		t.Errorf("it says %s", said)
	}
	if err := os.WriteFile(file, []byte("{\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if said := fails(t, func(tb testing.TB) { drayhorsetest.RequireGolden(tb, file, welcome{UserID: 2}) }); !strings.Contains(said, file+":1: ") {
		t.Errorf("of a broken file it says %s", said)
	}
	if said := fails(t, func(tb testing.TB) { drayhorsetest.RequireGolden(tb, t.TempDir(), welcome{UserID: 2}) }); !strings.Contains(said, "directory") {
		t.Errorf("of a directory it says %s", said)
	}
}
