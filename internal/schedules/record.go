package schedules

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
)

// Record is a declaration as it is stored.
type Record struct {
	Declaration

	Source   string // who declared it; "" if it was added at run time
	Revision string // another one after every change
}

var errRecord = errors.New("malformed declaration")

// ParseRecord reads revision|source|declaration, as it is stored.
func ParseRecord(s string) (*Record, error) {
	revision, rest, ok1 := strings.Cut(s, "|")
	source, text, ok2 := strings.Cut(rest, "|")
	if !ok1 || !ok2 {
		return nil, fmt.Errorf("%w: %.100q", errRecord, s)
	}
	r := &Record{Source: source, Revision: revision}
	if err := json.Unmarshal([]byte(text), &r.Declaration); err != nil {
		return nil, fmt.Errorf("%w: %w", errRecord, err)
	}
	return r, nil
}

// RevisionOf gives the revision of a declaration that may not be readable.
func RevisionOf(raw string) string {
	revision, _, _ := strings.Cut(raw, "|")
	return revision
}
