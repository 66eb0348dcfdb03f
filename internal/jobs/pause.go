package jobs

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"
)

// Pause stops the claims of a partition's jobs, or of those of one kind, one group or both.
type Pause struct {
	Kind  string // empty: all
	Group string // empty: all
	By    string // who paused
	Why   string

	At   time.Time // when, by Redis's clock; zero: not known
	Held int       // jobs that are aside for it
}

// pauseDetail is what is stored of a pause for people.
type pauseDetail struct {
	By  string `json:"by,omitempty"`
	Why string `json:"why,omitempty"`
}

// name is what pause.lua calls what is paused.
func (p *Pause) name() string {
	if p.Group == "" {
		return p.Kind
	}
	return p.Kind + groupMark + p.Group
}

// groupMark is between a kind and a group.
const groupMark = "="

// IsOfGroup reports whether a lane has jobs of a group that is or was paused.
func IsOfGroup(lane string) bool { return strings.Contains(lane, groupMark) }

// Pause stops claims from the partition until Resume: of one kind, one group or both, or of all.
func (p *Partition) Pause(ctx context.Context, pause Pause) error {
	detail, err := json.Marshal(pauseDetail{pause.By, pause.Why})
	if err != nil {
		return err
	}
	_, err = p.run(ctx, pauseScript, 1, pause.name(), string(detail))
	return err
}

// Resume lets claims from the partition go on: of the kind, group or both that a pause names, or
// of all kinds and groups that are not paused themselves.
func (p *Partition) Resume(ctx context.Context, pause Pause) error {
	_, err := p.run(ctx, pauseScript, 0, pause.name(), "")
	return err
}

// decodePauses reads what summary.lua says of pauses.
func decodePauses(value any) ([]Pause, error) {
	parts := asStrings(value)
	if len(parts)%3 != 0 {
		return nil, fmt.Errorf("summary: unexpected pauses %q", parts)
	}
	var all []Pause
	for i := 0; i < len(parts); i += 3 {
		at, text, _ := strings.Cut(parts[i+2], "|")
		var detail pauseDetail
		if err := json.Unmarshal([]byte(text), &detail); err != nil && text != "" { // a program that wrote none
			return nil, fmt.Errorf("summary: pause of kind %q: malformed row %q", parts[i], parts[i+2])
		}
		kind, group, _ := strings.Cut(parts[i], groupMark)
		all = append(all, Pause{Kind: kind, Group: group, By: detail.By, Why: detail.Why, At: asTime(at), Held: int(asInt(parts[i+1]))})
	}
	return all, nil
}
