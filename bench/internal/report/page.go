package report

import (
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"text/template"
)

const (
	peersFile = "peers.json"
	scaleFile = "scale.json"
	notesFile = "notes.md" // written by hand: what the figures do not say by themselves
	pageFile  = "README.md"
)

// SavePeers keeps the figures and writes the report.
func SavePeers(dir string, p *Peers) error {
	if err := os.MkdirAll(dir, 0o755); err != nil { //nolint:gosec // to be read by everybody
		return err
	}
	if err := Save(filepath.Join(dir, peersFile), p); err != nil {
		return err
	}
	return Render(dir)
}

// SaveCurves keeps the curves and tables, beside those that were not measured again,
// and writes the report.
func SaveCurves(dir string, c *Curves) error {
	if err := os.MkdirAll(dir, 0o755); err != nil { //nolint:gosec // to be read by everybody
		return err
	}
	var all Curves
	if _, err := loadIf(filepath.Join(dir, scaleFile), &all); err != nil {
		return err
	}
	all.Put(c)
	if err := Save(filepath.Join(dir, scaleFile), &all); err != nil {
		return err
	}
	return Render(dir)
}

// loadIf loads a file that may not be there.
func loadIf(file string, v any) (bool, error) {
	err := Load(file, v)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	return err == nil, err
}

//go:embed page.md.tmpl
var templates embed.FS

// page is what the template sees.
type page struct {
	Peers     *Peers
	Curves    *Curves
	Questions []question
	Verdicts  []Verdict
	Notes     string
}

// Render writes the page and the plots from the figures that are there.
func Render(dir string) error {
	var p Peers
	var c Curves
	var view page
	hasPeers, err := loadIf(filepath.Join(dir, peersFile), &p)
	if err != nil {
		return err
	}
	hasCurves, err := loadIf(filepath.Join(dir, scaleFile), &c)
	if err != nil {
		return err
	}
	if !hasPeers && !hasCurves {
		return fmt.Errorf("%s holds no figures", dir)
	}
	if hasPeers {
		view.Peers, view.Verdicts = &p, p.Judge()
		if view.Questions, err = p.draw(dir); err != nil {
			return err
		}
	}
	if hasCurves {
		view.Curves = &c
		view.Verdicts = append(view.Verdicts, c.Judge()...)
		for _, curve := range c.Curves {
			if err := curve.draw(dir); err != nil {
				return err
			}
		}
	}
	if notes, err := os.ReadFile(filepath.Join(dir, notesFile)); err == nil { //nolint:gosec // the directory that the caller asks for
		view.Notes = string(notes)
	}
	return view.write(filepath.Join(dir, pageFile))
}

func heading(condition string) string { return strings.ToUpper(condition[:1]) + condition[1:] }

func (v *page) write(file string) error {
	t, err := template.New("page.md.tmpl").Funcs(template.FuncMap{
		"figure": Figure, "title": Title, "thousands": func(n int) string { return Figure(float64(n)) }, "heading": heading,
		"growth":    func(c Curve, s Series) string { return c.growth(s) },
		"extension": func() string { return extension },
	}).ParseFS(templates, "page.md.tmpl")
	if err != nil {
		return err
	}
	f, err := os.Create(file) //nolint:gosec // the directory that the caller asks for
	if err != nil {
		return err
	}
	if err := t.Execute(f, v); err != nil {
		_ = f.Close()
		return err
	}
	return f.Close()
}
