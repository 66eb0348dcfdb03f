package conf_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/drayhorse/drayhorse"
	"github.com/drayhorse/drayhorse/internal/conf"
)

func TestMistakesAreLocated(t *testing.T) {
	t.Parallel()
	var config struct {
		Size  int            `yaml:"size"`
		Names map[string]int `yaml:"names"`
		List  []struct {
			Cron string `yaml:"cron"`
		} `yaml:"list"`
	}
	lines, err := conf.Decode("f.yaml", []byte("size: 1\nnames:\n  a: 1\n  b: 2\nlist:\n  - cron: x\n  - cron: y\n"), conf.Limits{Bytes: 1000, Entries: 100}, &config)
	if err != nil {
		t.Fatal(err)
	}
	invalid := func(text string) error { return fmt.Errorf("%w: %s", drayhorse.ErrInvalid, text) }
	for want, err := range map[string]error{
		"f.yaml:1: invalid: size 1; want 2":                        invalid("size 1; want 2"),
		"f.yaml:4: invalid: names.b 2; want 3":                     invalid("names.b 2; want 3"),
		"f.yaml:4: invalid: names.b.c 2; want 3":                   invalid("names.b.c 2; want 3"),
		"f.yaml:7: invalid: list[1].cron y; want z":                invalid("list[1].cron y; want z"),
		"f.yaml:7: wrong":                                          &conf.KeyError{Key: "list[1].cron", Err: errors.New("wrong")},
		"f.yaml:6: at the first":                                   &conf.KeyError{Key: "list[0].every", Err: errors.New("at the first")},
		"f.yaml:1: size 1; want 2\nf.yaml: elsewhere":              errors.Join(errors.New("size 1; want 2"), errors.New("elsewhere")),
		"invalid: other 1; want 2":                                 invalid("other 1; want 2"),
		"elsewhere":                                                errors.New("elsewhere"),
		"f.yaml:1: invalid: size 1 is said twice: invalid: or not": fmt.Errorf("%w: size 1 is said twice: %w", drayhorse.ErrInvalid, invalid("or not")),
	} {
		if got := lines.Locate(err); got.Error() != want {
			t.Errorf("got %q; want %q", got, want)
		}
	}
	lines.Forget("size")
	lines.Forget("names")
	for _, text := range []string{"size 1; want 2", "names.b 2; want 3"} {
		if got := lines.Locate(invalid(text)); got.Error() != "invalid: "+text {
			t.Errorf("after Forget: %q", got)
		}
	}
}

// FuzzLocate: whatever a message says, it is told as it was, on a line that the file has.
func FuzzLocate(f *testing.F) {
	for _, text := range []string{"size 1; want 2", "invalid: list[0].cron x", "", "\n", "names.b.c.d[9]", "names..", "size\n: x"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		var config struct {
			Size int `yaml:"size"`
			List []struct {
				Cron string `yaml:"cron"`
			} `yaml:"list"`
		}
		lines, err := conf.Decode("f", []byte("size: 1\nlist:\n  - cron: x\n"), conf.Limits{Bytes: 100, Entries: 10}, &config)
		if err != nil {
			t.Fatal(err)
		}
		at := lines.Locate(errors.New(text))
		problems, ok := errors.AsType[*conf.Problems](at)
		if !ok {
			if at.Error() != text {
				t.Errorf("%q became %q", text, at)
			}
			return
		}
		if len(problems.List) != 1 || problems.List[0].Line < 1 || problems.List[0].Line > 3 || strings.ContainsAny(problems.List[0].Text, "\n\r") {
			t.Errorf("%q became %+v", text, problems.List[0])
		}
	})
}
