package conf

import (
	"strconv"
	"strings"

	"github.com/drayhorse/drayhorse/internal/printable"
)

// path is where a value stands, such as handlers.digest.exec.command[2]; nil is the
// whole file. It is put into words when they are wanted: a file may have many values
// below a key of a megabyte.
type path struct {
	up   *path
	name string
	size int // of the words
}

// to gives the path of a key below.
func (p *path) to(key string) *path {
	if p == nil {
		return &path{nil, key, len(key)}
	}
	return &path{p, "." + key, p.size + 1 + len(key)}
}

// item gives the path of an item below.
func (p *path) item(i int) *path {
	name := "[" + strconv.Itoa(i) + "]"
	if p == nil {
		return &path{nil, name, len(name)}
	}
	return &path{p, name, p.size + len(name)}
}

// maxKey is how long the words may be; of longer ones the end is left out.
const maxKey = 256

func (p *path) String() string {
	if p == nil {
		return ""
	}
	var names []string
	for ; p != nil; p = p.up {
		if p.size > maxKey {
			continue
		}
		names = append(names, p.name)
	}
	var b strings.Builder
	for i := len(names) - 1; i >= 0; i-- {
		b.WriteString(names[i])
	}
	return b.String()
}

// clip cuts text that is shown in a message.
func clip(text string) string { return printable.Clip(text, 80) }
