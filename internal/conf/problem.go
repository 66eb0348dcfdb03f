package conf

import (
	"fmt"
	"strings"

	"github.com/drayhorse/drayhorse"
)

// Problem is one thing that is wrong in a file.
type Problem struct {
	Line int    // 0: not of one line
	Key  string // such as handlers.digest.exec.timeout, "" if it is of no key
	Text string // what is wrong, and what would be right
}

func (p *Problem) words() string {
	if p.Key == "" {
		return p.Text
	}
	if strings.HasPrefix(p.Text, ":") {
		return p.Key + p.Text
	}
	return p.Key + " " + p.Text
}

// Problems are all that is wrong in a file, from its first line to its last.
type Problems struct {
	File string
	List []*Problem
}

// maxProblems is how many are named.
const maxProblems = 20

// Is reports whether target is drayhorse.ErrInvalid, which they are.
func (p *Problems) Is(target error) bool { return target == drayhorse.ErrInvalid }

// Error names them, a line each.
func (p *Problems) Error() string {
	var lines []string
	for _, problem := range p.List[:min(len(p.List), maxProblems)] {
		if problem.Line == 0 {
			lines = append(lines, fmt.Sprintf("%s: %s", p.File, problem.words()))
			continue
		}
		lines = append(lines, fmt.Sprintf("%s:%d: %s", p.File, problem.Line, problem.words()))
	}
	if more := len(p.List) - maxProblems; more > 0 {
		lines = append(lines, fmt.Sprintf("%s: %d more mistakes", p.File, more))
	}
	return strings.Join(lines, "\n")
}
