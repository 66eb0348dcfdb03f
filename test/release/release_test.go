//go:build linux

package release_test

import (
	"crypto/sha256"
	"debug/buildinfo"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
)

const version = "v0.1.2"

// made is a release of this platform, made once.
var made = sync.OnceValues(func() (string, error) { return release(filepath.Join(base, "first")) })

var base string

func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "release-")
	if err != nil {
		panic(err)
	}
	base = dir
	code := m.Run()
	if err := os.RemoveAll(dir); err != nil {
		panic(err)
	}
	os.Exit(code)
}

// release makes one into a directory, as make release does.
func release(dist string) (string, error) {
	cmd := exec.Command("bash", "../../.ci/release.sh", version)
	cmd.Env = append(os.Environ(), "DIST="+dist, "PLATFORMS=linux/"+runtime.GOARCH)
	out, err := cmd.CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("release.sh: %w\n%s", err, out)
	}
	return dist, nil
}

func TestChecksumsAreThoseOfTheFiles(t *testing.T) {
	dist := dist(t)
	sums := checksums(t, dist)
	entries, err := os.ReadDir(dist)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if e.Name() == "SHA256SUMS" {
			continue
		}
		sum := sha256.Sum256([]byte(read(t, filepath.Join(dist, e.Name()))))
		if sums[e.Name()] != hex.EncodeToString(sum[:]) {
			t.Errorf("%s has another checksum than SHA256SUMS says, %q", e.Name(), sums[e.Name()])
		}
		delete(sums, e.Name())
	}
	if len(sums) > 0 {
		t.Errorf("SHA256SUMS names what is not there: %v", sums)
	}
	for _, ending := range []string{".tar.gz", ".cdx.json", ".deb", ".rpm"} {
		one(t, dist, "*"+ending)
	}
}

func TestTheSameCommitGivesTheSameBytes(t *testing.T) {
	again, err := release(filepath.Join(base, "again"))
	if err != nil {
		t.Fatal(err)
	}
	first, second := checksums(t, dist(t)), checksums(t, again)
	if !maps.Equal(first, second) {
		t.Errorf("made twice: %v\nand %v", first, second)
	}
}

func TestArchiveHoldsTheProgram(t *testing.T) {
	dir := archive(t)
	for _, name := range []string{"drayhorse", "worker", "scheduler", "producer"} {
		if out := run(t, filepath.Join(dir, name), "--version"); !strings.HasPrefix(out, "drayhorse "+version+" ") {
			t.Errorf("%s --version prints %q", name, out)
		}
	}
	for _, name := range []string{"LICENSE", "README.md", "CHANGELOG.md", "modules.txt", "sbom.cdx.json", "licences/github.com/redis/go-redis/v9/LICENSE"} {
		if text := read(t, filepath.Join(dir, name)); text == "" {
			t.Errorf("%s is empty", name)
		}
	}
}

// bom is what the tests read of a list in CycloneDX.
type bom struct {
	BOMFormat string
	Metadata  struct {
		Timestamp string
		Component component
	}
	Components []component
}

type component struct{ Name, Version, PURL string }

func TestSBOMNamesTheModulesOfTheProgram(t *testing.T) {
	dir, dist := archive(t), dist(t)
	text := read(t, one(t, dist, "*.cdx.json"))
	if text != read(t, filepath.Join(dir, "sbom.cdx.json")) {
		t.Error("the list in the archive is another one than that beside it")
	}
	var list bom
	if err := json.Unmarshal([]byte(text), &list); err != nil {
		t.Fatal(err)
	}
	if list.BOMFormat != "CycloneDX" || list.Metadata.Component.Version != version {
		t.Errorf("a list in %s of version %s; want CycloneDX of %s", list.BOMFormat, list.Metadata.Component.Version, version)
	}
	info, err := buildinfo.ReadFile(filepath.Join(dir, "drayhorse"))
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"std " + info.GoVersion}
	for _, dep := range info.Deps {
		if dep.Replace != nil {
			dep = dep.Replace
		}
		want = append(want, dep.Path+" "+dep.Version)
	}
	var got []string
	for _, c := range list.Components {
		got = append(got, c.Name+" "+c.Version)
		if !strings.HasPrefix(c.PURL, "pkg:golang/"+c.Name+"@") {
			t.Errorf("%s has the package URL %q", c.Name, c.PURL)
		}
	}
	if len(info.Deps) < 10 {
		t.Errorf("the program says that it holds %d modules", len(info.Deps))
	}
	for _, module := range want {
		if !slices.Contains(got, module) {
			t.Errorf("the list lacks %s", module)
		}
	}
	for _, module := range got {
		if !slices.Contains(want, module) {
			t.Errorf("the list names %s, which is not in the program", module)
		}
	}
}

func dist(t *testing.T) string {
	t.Helper()
	dir, err := made()
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

// archive is where the archive of the release has been unpacked.
func archive(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	run(t, "tar", "-C", dir, "-xzf", one(t, dist(t), "*.tar.gz"))
	return one(t, dir, "drayhorse-"+version+"-linux-"+runtime.GOARCH)
}

// one is the only file that matches.
func one(t *testing.T, dir, pattern string) string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, pattern))
	if err != nil || len(files) != 1 {
		t.Fatalf("%s in %s: %v %v; want one", pattern, dir, files, err)
	}
	return files[0]
}

func checksums(t *testing.T, dist string) map[string]string {
	t.Helper()
	sums := map[string]string{}
	for line := range strings.Lines(read(t, filepath.Join(dist, "SHA256SUMS"))) {
		sum, name, ok := strings.Cut(strings.TrimSpace(line), "  ")
		if !ok {
			t.Fatalf("line %q of SHA256SUMS", line)
		}
		sums[name] = sum
	}
	return sums
}

func read(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func run(t *testing.T, name string, args ...string) string {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), name, args...).CombinedOutput()
	if err != nil {
		t.Fatalf("%s %s: %v\n%s", name, strings.Join(args, " "), err, out)
	}
	return string(out)
}
