package docs_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

var (
	entry = regexp.MustCompile(`(?m)^//   - ((?:.|\n//     )*)`)
	// terms are the words that an entry begins with, or has after a semicolon.
	terms = regexp.MustCompile(`(?:^|; )([a-z][a-z, ]*):`)
)

// replaced are words that the code once had beside the glossary's, and what to say.
var replaced = map[string]string{
	"heat": "markClaimable", "poke": "wake", "rouse": "wake", "nudge": "wake", "calmed": "resumeWaiting",
	"hot": "claimable", "cold": "quiet", "holding": "lease", "turned": "applyTurn", "noticed": "updateReach",
	"observed": "applyObservation", "said": "warned, sent", "gone": "markUnreachable, removed", "attend": "waitAndClaim",
	"deafUntil": "bellRetryAt", "absolve": "allowNextSuspect", "complain": "logBroken", "giveBack": "releaseSlots",
	"ears": "listener", "crowd": "crowdedAt", "learn": "remember",
}

// TestTheGlossaryHolds: each script of the engine has its verb there, each word of it is
// used, and no declaration has a word that it replaced.
func TestTheGlossaryHolds(t *testing.T) {
	t.Parallel()
	words := map[string]bool{}
	for _, e := range entry.FindAllStringSubmatch(read(t, "doc.go"), -1) {
		text := strings.ReplaceAll(e[1], "\n//     ", " ")
		for _, m := range terms.FindAllStringSubmatch(text, -1) {
			for word := range strings.SplitSeq(m[1], ", ") {
				if words[word] {
					t.Errorf("the glossary has %q twice", word)
				}
				words[word] = true
			}
		}
	}
	scripts, err := filepath.Glob(filepath.Join(root, "internal/jobs/scripts/*.lua"))
	if err != nil || len(scripts) == 0 {
		t.Fatalf("scripts %v, %v", scripts, err)
	}
	for _, path := range scripts {
		if name := strings.TrimSuffix(filepath.Base(path), ".lua"); name != "prelude" && !words[name] {
			t.Errorf("the glossary does not have %q, which is a script", name)
		}
	}
	text, declared := code(t)
	for word := range words {
		if !strings.Contains(text, word) {
			t.Errorf("no code says %q, a word of the glossary", word)
		}
	}
	for _, d := range declared {
		if instead, old := replaced[d.Name]; old {
			t.Errorf("%s is declared; say %s", d.Name, instead)
		}
	}
}

// code gives the text of all code but tests and the glossary's own file, and what packages
// worker and internal/jobs declare: functions, types, fields and parameters.
func code(t *testing.T) (text string, declared []*ast.Ident) {
	t.Helper()
	var all strings.Builder
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		isCode := strings.HasSuffix(path, ".go") && !strings.HasSuffix(path, "_test.go") && path != filepath.Join(root, "doc.go")
		if err != nil || !isCode && !strings.HasSuffix(path, ".lua") {
			return err
		}
		content, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		all.Write(content)
		if dir := filepath.ToSlash(filepath.Dir(path)); isCode && (dir == root+"/worker" || dir == root+"/internal/jobs") {
			file, err := parser.ParseFile(token.NewFileSet(), path, content, parser.SkipObjectResolution)
			if err != nil {
				return err
			}
			declared = append(declared, declarations(file)...)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return all.String(), declared
}

func declarations(file *ast.File) (names []*ast.Ident) {
	ast.Inspect(file, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.FuncDecl:
			names = append(names, n.Name)
		case *ast.TypeSpec:
			names = append(names, n.Name)
		case *ast.Field:
			names = append(names, n.Names...)
		}
		return true
	})
	return names
}
