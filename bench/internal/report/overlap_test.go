package report

import (
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	xfont "golang.org/x/image/font"
	"gonum.org/v1/plot/font"

	"github.com/drayhorse/drayhorse/bench/internal/measure"
)

// recorded is where the figures and the page are that the repository shows.
const recorded = "../../../docs/benchmarks"

func TestPageIsWrittenFromTheRecordedFigures(t *testing.T) {
	dir := copyOfRecorded(t)
	if err := Render(dir); err != nil {
		t.Fatal(err)
	}
	drawn, err := filepath.Glob(filepath.Join(dir, "*"+extension))
	if err != nil {
		t.Fatal(err)
	}
	shown, err := filepath.Glob(filepath.Join(recorded, "*"+extension))
	if err != nil {
		t.Fatal(err)
	}
	if len(drawn) == 0 || len(drawn) != len(shown) {
		t.Errorf("%d plots are written, docs/benchmarks has %d", len(drawn), len(shown))
	}
	for _, file := range append(drawn, filepath.Join(dir, pageFile)) {
		got, want := read(t, file), read(t, filepath.Join(recorded, filepath.Base(file)))
		if got != want {
			t.Errorf("docs/benchmarks/%s is not what make bench-page writes", filepath.Base(file))
		}
	}
}

func TestNoTextLiesOverAnother(t *testing.T) {
	dir := copyOfRecorded(t)
	if err := Render(dir); err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob(filepath.Join(dir, "*"+extension))
	if err != nil || len(files) == 0 {
		t.Fatalf("no plots: %v", err)
	}
	for _, file := range files {
		checkBoxes(t, filepath.Base(file), read(t, file))
	}
}

// Figures that a machine of another kind might give: each plot must bear them.
func TestNoTextLiesOverAnotherWhateverIsMeasured(t *testing.T) {
	for name, value := range map[string]func(system int) float64{
		"all alike":    func(int) float64 { return 999_999 },
		"one far away": func(system int) float64 { return []float64{1, 98_765_432}[min(system%5, 1)] },
		"tiny":         func(system int) float64 { return 0.000123456 * float64(system+1) },
		"huge":         func(system int) float64 { return 987_654_321 * float64(system+1) },
		"nothing":      func(int) float64 { return 0 },
	} {
		t.Run(name, func(t *testing.T) {
			p := &Peers{Repeats: map[string]int{}}
			for i, system := range []string{Product, limit, "asynq", "brpop", "blmove", "river", "nats", "bullmq"} {
				p.Systems = append(p.Systems, SystemNote{Name: system})
				for _, q := range questions {
					for _, a := range q.figures {
						for _, figure := range append([]string{a.name}, a.parts...) {
							p.Samples = append(p.Samples, Sample{q.Condition, figure, "", system, value(i)}, Sample{q.Condition, figure, "", system, value(i) * 1.5})
						}
					}
				}
			}
			dir := t.TempDir()
			drawn, err := p.draw(dir)
			if err != nil {
				t.Fatal(err)
			}
			for _, q := range drawn {
				checkBoxes(t, q.File, read(t, filepath.Join(dir, q.File+extension)))
			}
			c := Curve{Name: "queues", X: "queues"}
			for i := range 7 {
				for _, series := range []string{measure.Drain(100), measure.CycleCPU, "commands of an idle worker"} {
					c.Add(series, "us/job", float64(i)*1e6, value(i))
				}
			}
			if err := c.draw(dir); err != nil {
				t.Fatal(err)
			}
			checkBoxes(t, "curve", read(t, filepath.Join(dir, "scale-queues"+extension)))
		})
	}
}

func TestBoxesAreSeen(t *testing.T) {
	picture := func(texts string) string {
		return `<svg viewBox="0 0 200 100"><g transform="scale(1, -1) translate(0, -100)">` + texts + `</g></svg>`
	}
	text := func(x, y float64, s string) string {
		return fmt.Sprintf(`<text x="%v" y="%v" transform="scale(1, -1)" style="font-weight:normal;font-size:10px">%s</text>`, x, y, s)
	}
	for want, svg := range map[string]string{
		"lies over":    picture(text(10, -50, "twelve") + text(30, -52, "over it")),
		"outside":      picture(text(180, -50, "too far to the right")),
		"":             picture(text(10, -50, "above") + text(10, -30, "below")),
		"no text":      picture(""),
		"transform \"": picture(`<g transform="rotate(90)"></g>`),
	} {
		boxes, err := boxesOf(svg)
		faults := strings.Join(faultsOf(boxes, err), "; ")
		if (want == "") != (faults == "") || !strings.Contains(faults, want) {
			t.Errorf("faults: %q; want %q", faults, want)
		}
	}
}

func copyOfRecorded(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	for _, file := range []string{peersFile, scaleFile, notesFile} {
		if err := os.WriteFile(filepath.Join(dir, file), []byte(read(t, filepath.Join(recorded, file))), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func read(t *testing.T, file string) string {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func checkBoxes(t *testing.T, name, svg string) {
	t.Helper()
	boxes, err := boxesOf(svg)
	for _, fault := range faultsOf(boxes, err) {
		t.Errorf("%s: %s", name, fault)
	}
}

// box is where a text of a plot lies, from its top left, or the plot itself.
type box struct {
	text                     string
	left, top, right, bottom float64
}

// faultsOf says what lies over another text, or outside of the plot, which is the first box.
func faultsOf(boxes []box, err error) []string {
	if err != nil {
		return []string{err.Error()}
	}
	if len(boxes) < 2 {
		return []string{"no text"}
	}
	var faults []string
	plot, texts := boxes[0], boxes[1:]
	for i, a := range texts {
		if a.left < plot.left || a.top < plot.top || a.right > plot.right || a.bottom > plot.bottom {
			faults = append(faults, fmt.Sprintf("%q is partly outside", a.text))
		}
		for _, b := range texts[i+1:] {
			if a.left < b.right && b.left < a.right && a.top < b.bottom && b.top < a.bottom {
				faults = append(faults, fmt.Sprintf("%q lies over %q", a.text, b.text))
			}
		}
	}
	return faults
}

// boxesOf reads a plot: its own box, and those of its texts by the widths of the font.
func boxesOf(svg string) ([]box, error) {
	var boxes []box
	places := []place{{1, 1, 0, 0}}
	decoder := xml.NewDecoder(strings.NewReader(svg))
	for {
		token, err := decoder.Token()
		if errors.Is(err, io.EOF) {
			return boxes, nil
		}
		if err != nil {
			return nil, err
		}
		switch e := token.(type) {
		case xml.StartElement:
			at, err := places[len(places)-1].then(attribute(e, "transform"))
			if err != nil {
				return nil, err
			}
			places = append(places, at)
			switch e.Name.Local {
			case "svg":
				var b box
				if _, err := fmt.Sscan(attribute(e, "viewBox"), &b.left, &b.top, &b.right, &b.bottom); err != nil {
					return nil, fmt.Errorf("view box: %w", err)
				}
				boxes = append(boxes, b)
			case "text":
				var said string
				if err := decoder.DecodeElement(&said, &e); err != nil {
					return nil, err
				}
				places = places[:len(places)-1]
				b, err := at.box(e, said)
				if err != nil {
					return nil, err
				}
				boxes = append(boxes, b)
			}
		case xml.EndElement:
			places = places[:len(places)-1]
		}
	}
}

// place is where the coordinates of an element lie in the plot's.
type place struct{ scaleX, scaleY, x, y float64 }

// then adds the transform of an element within.
func (p place) then(transform string) (place, error) {
	for _, step := range strings.SplitAfter(transform, ")") {
		step = strings.TrimSpace(step)
		if step == "" {
			continue
		}
		var x, y float64
		name, numbers, _ := strings.Cut(strings.TrimSuffix(step, ")"), "(")
		if _, err := fmt.Sscanf(numbers, "%g, %g", &x, &y); err != nil || !slices.Contains([]string{"scale", "translate"}, name) {
			return p, fmt.Errorf("transform %q; want scale or translate of two numbers", step)
		}
		if name == "scale" {
			p.scaleX, p.scaleY = p.scaleX*x, p.scaleY*y
			continue
		}
		p.x, p.y = p.x+p.scaleX*x, p.y+p.scaleY*y
	}
	return p, nil
}

// box of a text that begins at the element's x and y.
func (p place) box(e xml.StartElement, said string) (box, error) {
	x, err := strconv.ParseFloat(attribute(e, "x"), 64)
	if err != nil {
		return box{}, err
	}
	y, err := strconv.ParseFloat(attribute(e, "y"), 64)
	if err != nil {
		return box{}, err
	}
	css := attribute(e, "style")
	_, size, _ := strings.Cut(css, "font-size:")
	size, _, _ = strings.Cut(size, "px")
	points, err := strconv.ParseFloat(size, 64)
	if err != nil {
		return box{}, fmt.Errorf("size of %q: %w", said, err)
	}
	f := style(ink, xfont.WeightNormal).Font
	if strings.Contains(css, "font-weight:bold") {
		f.Weight = xfont.WeightBold
	}
	face := font.DefaultCache.Lookup(f, font.Points(points))
	extents := face.Extents()
	left, base := p.x+p.scaleX*x, p.y+p.scaleY*y
	return box{said, left, base - float64(extents.Ascent), left + float64(face.Width(said)), base + float64(extents.Descent)}, nil
}

func attribute(e xml.StartElement, name string) string {
	for _, a := range e.Attr {
		if a.Name.Local == name {
			return a.Value
		}
	}
	return ""
}
