package report

import (
	"bytes"
	"fmt"
	"image/color"
	"os"
	"path/filepath"
	"strings"

	xfont "golang.org/x/image/font"
	"gonum.org/v1/plot"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgsvg"
)

// extension of the plots.
const extension = ".svg"

// The colours of a plot in the light. None is black, which vgsvg leaves out.
var (
	paper      = color.RGBA{0xff, 0xff, 0xff, 0xff}
	ink        = color.RGBA{0x1f, 0x23, 0x28, 0xff}
	muted      = color.RGBA{0x59, 0x63, 0x6e, 0xff}
	own        = color.RGBA{0x09, 0x69, 0xda, 0xff}
	ownLight   = color.RGBA{0x80, 0xb8, 0xf2, 0xff}
	other      = color.RGBA{0x99, 0xa2, 0xac, 0xff}
	otherLight = color.RGBA{0xd0, 0xd7, 0xde, 0xff}
)

// night are the colours that stand for them where the reader's screen is dark.
var night = []struct{ light, dark color.RGBA }{
	{paper, color.RGBA{0x0d, 0x11, 0x17, 0xff}},
	{ink, color.RGBA{0xe6, 0xed, 0xf3, 0xff}},
	{muted, color.RGBA{0x91, 0x98, 0xa1, 0xff}},
	{own, color.RGBA{0x44, 0x93, 0xf8, 0xff}},
	{ownLight, color.RGBA{0x26, 0x5c, 0xa8, 0xff}},
	{other, color.RGBA{0x7d, 0x85, 0x90, 0xff}},
	{otherLight, color.RGBA{0x48, 0x4f, 0x58, 0xff}},
}

// sheet is one picture: panels below each other, or side by side, and a line below them.
type sheet struct {
	panels []panel
	beside bool
	note   string
}

const (
	narrow    = vg.Length(560) // a sheet of panels below each other
	wide      = vg.Length(765) // one of panels side by side
	titleRoom = vg.Length(22)
	noteRoom  = vg.Length(20)
	margin    = vg.Length(8)
)

// svg draws the sheet.
func (s sheet) svg() ([]byte, error) {
	rows := 0
	for _, p := range s.panels {
		rows = max(rows, len(p.rows))
	}
	tiles := draw.Tiles{
		Rows: len(s.panels), Cols: 1, PadY: titleRoom,
		PadTop: titleRoom, PadBottom: margin + noteRoom, PadLeft: margin, PadRight: margin,
	}
	width := narrow
	if s.beside {
		tiles.Rows, tiles.Cols, tiles.PadX = 1, len(s.panels), 2*margin
		width = wide
	}
	if s.note == "" {
		tiles.PadBottom = margin
	}
	height := vg.Length(tiles.Rows)*(vg.Length(rows)*pitch+titleRoom) + tiles.PadBottom
	canvas := vgsvg.New(width, height)
	page := draw.New(canvas)
	page.SetColor(paper)
	page.Fill(page.Path())
	plots := make([][]*plot.Plot, tiles.Rows)
	for i, p := range s.panels {
		drawn, err := p.plot()
		if err != nil {
			return nil, fmt.Errorf("panel %q: %w", p.title, err)
		}
		plots[i/tiles.Cols] = append(plots[i/tiles.Cols], drawn)
	}
	aligned := plot.Align(plots, tiles, page)
	heading := style(ink, xfont.WeightBold)
	for i, p := range s.panels {
		at := tiles.At(page, i%tiles.Cols, i/tiles.Cols)
		page.FillText(heading, vg.Point{X: at.Min.X, Y: at.Max.Y + 5}, p.title)
		plots[i/tiles.Cols][i%tiles.Cols].Draw(aligned[i/tiles.Cols][i%tiles.Cols])
	}
	if s.note != "" {
		page.FillText(style(muted, xfont.WeightNormal), vg.Point{X: margin, Y: margin}, s.note)
	}
	var drawn bytes.Buffer
	if _, err := canvas.WriteTo(&drawn); err != nil {
		return nil, err
	}
	return []byte(dress(drawn.String())), nil
}

// dress adds what vgsvg cannot say: the colours of the dark, and fonts of the same widths
// where Liberation is not installed.
func dress(svg string) string {
	svg = strings.ReplaceAll(svg, "font-family:Liberation Sans;", "font-family:Liberation Sans,Arimo,Arial,Helvetica,sans-serif;")
	var css strings.Builder
	css.WriteString("<style>@media (prefers-color-scheme: dark) {\n")
	for _, c := range night {
		for _, what := range []string{"fill", "stroke"} {
			fmt.Fprintf(&css, "[style*=\"%s:%s\"] {%s: %s !important}\n", what, hex(c.light), what, hex(c.dark))
		}
	}
	css.WriteString("}</style>\n")
	opening := strings.Index(svg, "<svg")
	end := opening + strings.Index(svg[opening:], ">") + 1
	return svg[:end] + "\n" + css.String() + strings.TrimPrefix(svg[end:], "\n")
}

// hex writes a colour as vgsvg does.
func hex(c color.RGBA) string { return fmt.Sprintf("#%02X%02X%02X", c.R, c.G, c.B) }

// save writes the sheet to a file of that name.
func (s sheet) save(dir, name string) error {
	svg, err := s.svg()
	if err != nil {
		return fmt.Errorf("plot %s: %w", name, err)
	}
	return os.WriteFile(filepath.Join(dir, name+extension), svg, 0o644) //nolint:gosec // to be read by everybody
}
