package redistest

import (
	"bufio"
	"fmt"
	"io"
	"strconv"
	"strings"
)

// frame reads one request or reply of the Redis protocol, version 2 or 3, and
// returns its bytes.
func frame(r *bufio.Reader) ([]byte, error) { return appendFrame(nil, r) }

func appendFrame(data []byte, r *bufio.Reader) ([]byte, error) {
	line, err := r.ReadBytes('\n')
	if err != nil {
		return nil, err
	}
	data = append(data, line...)
	body, parts, err := shape(line)
	if err != nil {
		return nil, err
	}
	if body > 0 {
		start := len(data)
		data = append(data, make([]byte, body)...)
		if _, err := io.ReadFull(r, data[start:]); err != nil {
			return nil, err
		}
	}
	for range parts {
		if data, err = appendFrame(data, r); err != nil {
			return nil, err
		}
	}
	return data, nil
}

// shape says what follows a line: a body of so many bytes, or so many parts.
func shape(line []byte) (body, parts int, err error) {
	kind := line[0]
	if !strings.ContainsRune("$=!*~>%|", rune(kind)) || len(line) < len("$0\r\n") {
		return 0, 0, nil // the line is all
	}
	n, err := strconv.Atoi(string(line[1 : len(line)-2]))
	if err != nil {
		return 0, 0, fmt.Errorf("not the Redis protocol: %q", line)
	}
	if n < 0 { // nil
		return 0, 0, nil
	}
	switch kind {
	case '*', '~', '>':
		return 0, n, nil
	case '%':
		return 0, 2 * n, nil
	case '|': // attributes of the value that follows them
		return 0, 2*n + 1, nil
	default:
		return n + len("\r\n"), 0, nil
	}
}
