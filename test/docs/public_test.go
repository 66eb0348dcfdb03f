package docs_test

import (
	"go/ast"
	"go/doc"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// public is a package that programs import.
type public struct {
	path     string // in the checkout
	fset     *token.FileSet
	doc      *doc.Package
	imports  map[string]map[string]string // by file, the path of what each name stands for
	examples []*doc.Example
}

// notPublic are folders whose packages are for this module alone.
var notPublic = regexp.MustCompile(`^(\..*|internal|cmd|test|bench|examples|deploy|docs|testdata|check)$`)

// publics gives the packages that programs import, as go doc shows them.
func publics(t *testing.T) []public {
	t.Helper()
	var all []public
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.IsDir() {
			return err
		}
		if path != root && notPublic.MatchString(d.Name()) {
			return fs.SkipDir
		}
		rel, err := filepath.Rel(root, path)
		if p, ok := parsePublic(t, path, filepath.ToSlash(rel)); ok {
			all = append(all, p)
		}
		return err
	})
	if err != nil || len(all) < 12 {
		t.Fatalf("%d packages, %v", len(all), err)
	}
	return all
}

// parsePublic reads the package of a folder; false: there is none.
func parsePublic(t *testing.T, folder, rel string) (public, bool) {
	t.Helper()
	p := public{path: rel, fset: token.NewFileSet(), imports: map[string]map[string]string{}}
	paths, err := filepath.Glob(filepath.Join(folder, "*.go"))
	if err != nil {
		t.Fatal(err)
	}
	var code, tests []*ast.File
	for _, path := range paths {
		file, err := parser.ParseFile(p.fset, path, nil, parser.ParseComments)
		if err != nil {
			t.Fatal(err)
		}
		if strings.HasSuffix(path, "_test.go") {
			tests = append(tests, file)
			continue
		}
		code = append(code, file)
		p.imports[path] = importsOf(file)
	}
	if len(code) == 0 {
		return p, false
	}
	p.examples = doc.Examples(tests...)
	if p.doc, err = doc.NewFromFiles(p.fset, code, module+"/"+rel); err != nil {
		t.Fatal(err)
	}
	return p, true
}

// importsOf gives the paths of what a file imports, by the names that it has there.
func importsOf(file *ast.File) map[string]string {
	names := map[string]string{}
	for _, s := range file.Imports {
		path, _ := strconv.Unquote(s.Path.Value)
		name := path[strings.LastIndex(path, "/")+1:]
		if s.Name != nil {
			name = s.Name.Name
		}
		names[name] = path
	}
	return names
}

// hidden gives what programs see of types of internal packages, whose fields and methods go
// doc does not show.
func (p *public) hidden() (found []string) {
	look := func(n ast.Node) {
		ast.Inspect(n, func(n ast.Node) bool {
			s, ok := n.(*ast.SelectorExpr)
			if !ok {
				return true
			}
			where := p.fset.Position(s.Pos())
			if x, ok := s.X.(*ast.Ident); ok && strings.Contains(p.imports[where.Filename][x.Name], "/internal/") {
				found = append(found, where.String()+": "+x.Name+"."+s.Sel.Name)
			}
			return true
		})
	}
	values := func(all []*doc.Value) {
		for _, v := range all {
			for _, s := range v.Decl.Specs {
				if of := s.(*ast.ValueSpec).Type; of != nil {
					look(of)
				}
			}
		}
	}
	funcs := func(all []*doc.Func) {
		for _, f := range all {
			look(f.Decl.Type)
		}
	}
	values(p.doc.Consts)
	values(p.doc.Vars)
	funcs(p.doc.Funcs)
	for _, of := range p.doc.Types {
		look(of.Decl)
		values(of.Consts)
		values(of.Vars)
		funcs(of.Funcs)
		funcs(of.Methods)
	}
	return found
}

// TestPublicTypesAreShown: nothing that programs see is of a type of an internal package.
func TestPublicTypesAreShown(t *testing.T) {
	t.Parallel()
	for _, p := range publics(t) {
		for _, found := range p.hidden() {
			t.Errorf("%s: go doc shows nothing of this type; want one of this package", found)
		}
	}
}

// TestHiddenTypesAreFound: the test above would see them.
func TestHiddenTypesAreFound(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	const code = `package p

import (
	"time"

	other "example.com/p/internal/things"
	"example.com/p/internal/words"
)

type Alias = other.Thing

type Struct struct {
	Field  []words.Word
	hidden words.Word
	At     time.Time
}

func Func(at time.Time) (map[string]*words.Word, error) { return nil, words.Fail() }

func (Struct) hide(words.Word) {}

const Name = words.Name
`
	if err := os.WriteFile(filepath.Join(dir, "p.go"), []byte(code), 0o600); err != nil {
		t.Fatal(err)
	}
	p, _ := parsePublic(t, dir, "p")
	var found []string
	for _, text := range p.hidden() {
		found = append(found, text[strings.LastIndex(text, " ")+1:])
	}
	if slices.Sort(found); strings.Join(found, " ") != "other.Thing words.Word words.Word" {
		t.Errorf("found %q; want the alias, the field and the result", found)
	}
}
