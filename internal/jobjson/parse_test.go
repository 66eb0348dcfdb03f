package jobjson_test

import (
	"errors"
	"fmt"
	"reflect"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/drayhorse/drayhorse"
	"github.com/drayhorse/drayhorse/internal/jobjson"
)

func TestParse(t *testing.T) {
	t.Parallel()
	text := []byte(` {"kind":"k","args":{"n":9007199254740993, "s":"é\u0000","n2":[1e308,18446744073709551616]},"queue":"q","id":"a@1",
		"at":"2030-01-02T15:04:05Z","max_attempts":3,"timeout":"5s","retain":"1w2d","start_within":"10m","priority":"urgent","group":"tenant-42","tags":["import","eu"],"replace_ended":true} ` + "\r\n")
	job, err := jobjson.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	clear(text) // the job has its own memory
	args, err := drayhorse.EncodeArgs(job.Spec.Args, 1000)
	if err != nil || job.Spec.Args.Kind() != "k" || string(args) != `{"n":9007199254740993, "s":"é\u0000","n2":[1e308,18446744073709551616]}` {
		t.Errorf("%s %s, %v", job.Spec.Args.Kind(), args, err)
	}
	want := drayhorse.Settings{
		Queue: "q", ID: "a@1", At: time.Date(2030, 1, 2, 15, 4, 5, 0, time.UTC), MaxAttempts: 3, Timeout: 5 * time.Second, Retain: 9 * 24 * time.Hour,
		StartWithin: 10 * time.Minute, Priority: drayhorse.Urgent, Group: "tenant-42", ReplaceEnded: true, Tags: []string{"import", "eu"},
	}
	want.Given = job.Settings.Given
	if resolved, err := drayhorse.Resolve(job.Spec.Options...); !reflect.DeepEqual(job.Settings, want) || !reflect.DeepEqual(resolved, want) || err != nil {
		t.Errorf("%+v and %+v, %v; want %+v", job.Settings, resolved, err, want)
	}
}

func TestUnique(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]*drayhorse.UniqueBy{
		`false`: nil, `true`: {}, `"user-42"`: {Key: "user-42"},
		`{"fields":["user_id","a"],"until":"started","for":"5m","conflict":"postpone","max_wait":"1h"}`: {
			Fields: []string{"user_id", "a"}, Until: drayhorse.UntilStarted, For: 5 * time.Minute, Conflict: drayhorse.Postpone, MaxWait: time.Hour,
		},
		`{"key":"k","conflict":"reject"}`: {Key: "k", Conflict: drayhorse.Reject},
	} {
		job, err := jobjson.Parse([]byte(`{"unique":` + text + `,"kind":"k","in":"1s"}`))
		if err != nil || !reflect.DeepEqual(job.Settings.Unique, want) {
			t.Errorf("%s: %+v, %v; want %+v", text, job, err, want)
		}
	}
}

func TestErrorsNameTheirField(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("x", 1000)
	for _, c := range []struct{ text, field, want string }{
		{`5`, "", "not a JSON object"},
		{`[{"kind":"k"}]`, "", "an array, not a JSON object"},
		{`{"kind":"k","unique":1}`, "unique", "1; want true, a key, or an object"},
		{`{"kind":"k","unique":""}`, "unique", "field unique.key is empty"},
		{`{"kind":"k","unique":{"untli":"ended"}}`, "unique.untli", `field "untli" is not known; want key, fields, until`},
		{`{"kind":"k","unique":{"until":"finished"}}`, "unique.until", `until "finished"; want ended or started`},
		{`{"kind":"k","unique":{"for":5}}`, "unique.for", `5; want a duration such as "30s"`},
		{`{"kind":"k","unique":{"fields":["a",null]}}`, "unique.fields", `want a list of texts such as`},
		{`{"kind":"k","unique":{"conflict":"postpone"}}`, "unique", `Postpone and without In`},
		{`{"kind":"k","start_within":"0s"}`, "start_within", "StartWithin(0s); want 1ms"},
		{`{"kind":"k","start_within":600}`, "start_within", `600; want a duration such as "30s"`},
		{`{"kind":"k","priority":"highest"}`, "priority", `"highest"; want "low", "normal", "high" or "urgent"`},
		{`{"kind":"k","priority":2}`, "priority", `2; want "low", "normal"`},
		{`{"kind":"k","group":""}`, "group", `group ""; want 1-128 of letters`},
		{`{"kind":"k","group":42}`, "group", "42; want text in quotes"},
		{`{"kind":"k","tags":"eu"}`, "tags", `want a list of texts such as`},
		{`{"kind":"k","tags":["eu","a b"]}`, "tags", `tag "a b"; want 1-128 of letters`},
		{`{"kind":"k","unique":true,"id":"a"}`, "unique", "given together"},
		{`{"replace_ended":true,"kind":"k"}`, "replace_ended", "ReplaceEnded without ID"},
		{`{"kind":"k","id":"a","replace_ended":1}`, "replace_ended", "1; want true or false"},
		{`{"kind":"k","args":` + nested(drayhorse.MaxArgsDepth+1) + `}`, "args", "nested more than 500 deep"},
		{`{"kind":"k","args":{` + manyNames(1000) + `,"a\u0062 5":1}}`, "args.ab 5", "it comes twice"},
		{`{"kind":"k"} x`, "", "something follows"},
		{`{"kind":"k","args":{"a":1}`, "", "ends too early"},
		{`{"kind":"k","args":{]}`, "args", "not JSON: invalid character"},
		{`{"kind":"k","args":`, "args", "ends too early"},
		{`{"args":1}`, "kind", "field kind is missing or empty"},
		{`{"kind":5}`, "kind", "field kind: 5; want text in quotes"},
		{`{"kind":"` + long + `"}`, "kind", "want 1-128"},
		{`{"kind":"k","max_attempts":1e999}`, "max_attempts", "field max_attempts: 1e999; want a whole number"},
		{`{"kind":"k","` + long + `":1}`, strings.Repeat("x", 60) + "...", "is not known; want kind, args, queue"},
		{`{"kind":"k","in":"1s","in":"1s"}`, "in", `field "in" comes twice`},
		{`{"kind":"k","in":"1s","at":"2030-01-02T15:04:05Z"}`, "at", "given together"},
		{`{"kind":"k","args":{"a":{"b":[0,{"c":1,"c":1}]}}}`, "args.a.b.1.c", "field args.a.b.1.c: it comes twice"},
		{`{"kind":"k","args":{"a":1,"\u0061":1}}`, "args.a", "it comes twice"},
		{`{"kind":"k","args":[0,-1e309]}`, "args.1", "-1e309; want a number that a double can hold"},
		{`{"kind":"k","args":1` + strings.Repeat("0", 400) + `}`, "args", "want a number that a double can hold"},
		{"{\"kind\":\"k\",\"args\":\"\xff\"}", "args", "not valid UTF-8"},
		{"{\"kind\":\"\xff\"}", "kind", "not valid UTF-8"},
		{`{"kind":"k","args":"` + strings.Repeat("x", drayhorse.DefaultMaxArgs) + `"}`, "args", "at most 1048576"},
	} {
		_, err := jobjson.Parse([]byte(c.text))
		e, ok := errors.AsType[*jobjson.Error](err)
		if !ok || !errors.Is(err, drayhorse.ErrInvalid) || e.Field != c.field || !strings.Contains(err.Error(), c.want) || len(err.Error()) > 300 {
			t.Errorf("%.100s: field %q of %v; want %q and %q", c.text, e.Field, err, c.field, c.want)
		}
	}
	if _, err := jobjson.Parse([]byte(`{"kind":"k","args":"` + strings.Repeat("x", drayhorse.DefaultMaxArgs) + `"}`)); !errors.Is(err, drayhorse.ErrArgsTooLarge) {
		t.Errorf("%v; want ErrArgsTooLarge", err)
	}
}

// nested gives arrays in arrays.
func nested(depth int) string { return strings.Repeat("[", depth) + strings.Repeat("]", depth) }

// manyNames gives the inside of an object.
func manyNames(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, `,"ab %d":1`, i)
	}
	return b.String()[1:]
}

func TestArgumentsMayBeDeepAndWide(t *testing.T) {
	t.Parallel()
	for _, args := range []string{nested(drayhorse.MaxArgsDepth), `[{` + manyNames(1000) + `},{` + manyNames(1000) + `},{"ab 1":{"ab 1":{}}}]`} {
		if _, err := jobjson.Parse([]byte(`{"kind":"k","args":` + args + `}`)); err != nil {
			t.Errorf("%.50s: %v", args, err)
		}
	}
}

func TestAByteOrderMarkIsPassedOver(t *testing.T) {
	t.Parallel()
	job, err := jobjson.Parse([]byte("\xef\xbb\xbf{\"kind\":\"k\"}"))
	if err != nil || job.Spec.Args.Kind() != "k" {
		t.Errorf("%v", err)
	}
	if l := (&jobjson.Line{Text: []byte("\xef\xbb\xbf\n")}); !l.Blank() {
		t.Error("a mark alone is no blank line")
	}
}

// TestParsingTakesLittleMemory is not parallel: it counts what the process allocates.
func TestParsingTakesLittleMemory(t *testing.T) {
	for name, args := range map[string]string{
		"wide": `{` + manyNames(70_000) + `}`, "long": `"` + strings.Repeat("x", 1e6) + `"`, "objects": `[` + strings.Repeat(`{"a":1},`, 120_000) + `1]`,
	} {
		text := []byte(`{"kind":"k","args":` + args + `}`)
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		if _, err := jobjson.Parse(text); err != nil {
			t.Fatal(err)
		}
		runtime.ReadMemStats(&after)
		took := float64(after.TotalAlloc-before.TotalAlloc) / float64(len(text))
		t.Logf("%s: %.1f times the %d bytes of the text", name, took, len(text))
		if took > 7 { // with what append leaves behind
			t.Errorf("%s: %.1f times the text; want less than 7", name, took)
		}
	}
}

// FuzzParse shows that what is let through, a producer accepts, and that its
// arguments are kept.
func FuzzParse(f *testing.F) {
	for _, text := range []string{
		`{"kind":"k"}`, `{"kind":"k","args":{"a":[1,"é",null,{}]},"in":"5m","id":"a"}`, `{"kind":"k","at":"2030-01-02T15:04:05Z","max_attempts":2}`,
		`{"kind":"k","args":{"a":1,"a":2}}`, `{"kind":"k","args":1e999}`, `{"kind":"k"}x`, "{\"kind\":\"\xff\"}", `{"kind":"k","timeout":"0.5ms","retain":"1h"}`,
	} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		job, err := jobjson.Parse(text)
		if err != nil {
			if e, ok := errors.AsType[*jobjson.Error](err); !ok || e.Error() == "" {
				t.Errorf("%T %v", err, err)
			}
			return
		}
		if err := drayhorse.ValidateKind(job.Spec.Args.Kind()); err != nil {
			t.Error(err)
		}
		if settings, err := drayhorse.Resolve(job.Spec.Options...); err != nil || !reflect.DeepEqual(settings, job.Settings) {
			t.Errorf("%+v and %+v, %v", settings, job.Settings, err)
		}
		args, err := drayhorse.EncodeArgs(job.Spec.Args, drayhorse.DefaultMaxArgs)
		if !jsontext.Value(args).IsValid(jsontext.AllowInvalidUTF8(true)) {
			t.Errorf("a name comes twice in %s", args)
		}
		if err != nil || string(args) != "null" && !strings.Contains(string(text), string(args)) {
			t.Errorf("%s, %v", args, err)
		}
	})
}
