package chaos

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"
)

// event is one line of the history.
type event struct {
	At      time.Time `json:"at"`
	Who     string    `json:"who"`
	What    what      `json:"what"`
	Key     string    `json:"key,omitempty"`  // of the job, chosen by its producer; of a tick its ID
	Kind    string    `json:"kind,omitempty"` // of the job
	ID      string    `json:"id,omitempty"`   // of the job
	Exec    string    `json:"exec,omitempty"` // names an execution
	Attempt int       `json:"attempt,omitempty"`
	Said    string    `json:"said,omitempty"` // an outcome, a state or an error
}

// what happened.
type what string

const (
	attempted    what = "attempted"    // a producer is about to enqueue
	acknowledged what = "acknowledged" // Enqueue returned the job
	known        what = "known"        // Enqueue returned a duplicate
	unsure       what = "unsure"       // Enqueue failed, and the job may be there
	rejected     what = "rejected"     // Enqueue failed, and said that nothing was stored
	wished       what = "wished"       // somebody is about to cancel the job
	began        what = "began"        // a handler was called
	ended        what = "ended"        // a handler is about to return; Said is its outcome
	refused      what = "refused"      // a worker was told that its finish does not count
	dropped      what = "dropped"      // a worker learnt that its lease is lost
	unready      what = "unready"      // a process says that it cannot do its job
	able         what = "able"         // a process says that it can
	usage        what = "usage"        // Attempt goroutines, and Said bytes of memory, of a process
	expected     what = "expected"     // a tick that is to fire
	fault        what = "fault"        // something is broken or mended
	closed       what = "closed"       // the auditor: Redis says that the job has ended; Said is its state
	open         what = "open"         // the auditor: the job has not ended; Said is its state
	totals       what = "totals"       // the auditor: Attempt jobs of a queue have ended by Redis's own count
	stray        what = "stray"        // the auditor: a key in Redis that nothing owns
)

// journal is a process's part of the history. Append returns once the line is on the
// disk; lines that come together go there together.
type journal struct {
	who  string
	file *os.File

	mu      sync.Mutex
	flushed *sync.Cond
	lines   bytes.Buffer
	added   int // lines appended
	safe    int // of them, on the disk
	busy    bool
	err     error
}

const journalSuffix = ".history"

func openJournal(dir, who string) (*journal, error) {
	file, err := os.OpenFile(filepath.Join(dir, who+journalSuffix), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, err
	}
	j := &journal{who: who, file: file}
	j.flushed = sync.NewCond(&j.mu)
	return j, nil
}

// append stamps an event and keeps it.
func (j *journal) append(events ...event) error {
	j.mu.Lock()
	defer j.mu.Unlock()
	encoder := json.NewEncoder(&j.lines)
	for _, e := range events {
		e.Who = j.who
		if e.At.IsZero() {
			e.At = time.Now()
		}
		if err := encoder.Encode(e); err != nil {
			return err
		}
		j.added++
	}
	for mine := j.added; j.safe < mine && j.err == nil; {
		if j.busy {
			j.flushed.Wait()
			continue
		}
		j.flush()
	}
	return j.err
}

// flush writes what has gathered. Callers hold mu.
func (j *journal) flush() {
	j.busy = true
	text, upTo := bytes.Clone(j.lines.Bytes()), j.added
	j.lines.Reset()
	j.mu.Unlock()
	_, err := j.file.Write(text)
	if err == nil {
		err = j.file.Sync()
	}
	j.mu.Lock()
	j.busy, j.safe, j.err = false, upTo, err
	j.flushed.Broadcast()
}

// must ends the process if the history cannot be kept: nothing that follows would
// be worth anything.
func (j *journal) must(events ...event) {
	if err := j.append(events...); err != nil {
		fmt.Fprintln(os.Stderr, "history:", err)
		os.Exit(3)
	}
}

// history is all that was written down, in the order of time.
type history []event

// readHistory gathers the journals of a directory. The last line of a process that
// was killed may be torn: it was not waited for.
func readHistory(dir string) (history, error) {
	files, err := filepath.Glob(filepath.Join(dir, "*"+journalSuffix))
	if err != nil {
		return nil, err
	}
	var all history
	for _, name := range files {
		part, err := readJournal(name)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		all = append(all, part...)
	}
	slices.SortStableFunc(all, func(a, b event) int { return a.At.Compare(b.At) })
	return all, nil
}

func readJournal(name string) (history, error) {
	text, err := os.ReadFile(name)
	if err != nil {
		return nil, err
	}
	var part history
	lines := bufio.NewScanner(bytes.NewReader(text))
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var e event
		if err := json.Unmarshal(lines.Bytes(), &e); err != nil {
			if !bytes.HasSuffix(text, []byte("\n")) && bytes.HasSuffix(text, lines.Bytes()) {
				break
			}
			return nil, err
		}
		part = append(part, e)
	}
	return part, lines.Err()
}

// where gives the events that match.
func (h history) where(match func(event) bool) history {
	var found history
	for _, e := range h {
		if match(e) {
			found = append(found, e)
		}
	}
	return found
}

// of gives the events of one sort.
func (h history) of(w what) history {
	return h.where(func(e event) bool { return e.What == w })
}
