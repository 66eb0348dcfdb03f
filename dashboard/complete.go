package dashboard

import (
	"encoding/json"
	"slices"

	"github.com/drayhorse/drayhorse/internal/board"
	"github.com/drayhorse/drayhorse/internal/filter"
	"github.com/drayhorse/drayhorse/internal/scope"
)

// complete gives what a filter may become when its last term is completed, as a list in JSON.
func complete(q *request) error {
	r, err := q.board()
	if err != nil {
		return err
	}
	offered := filter.Complete(q.value("where"), func(term string) []string { return q.gate.values(r, term) })
	text, err := json.Marshal(append([]string{}, offered...)) // not null
	if err != nil {
		return err
	}
	q.w.Header().Set("Content-Type", "application/json")
	_, err = q.w.Write(text)
	return err
}

// values gives the values of a term that the user sees. Queues and kinds that his scope names are
// there for him, whoever serves them.
func (g *gate) values(r *board.Reading, term string) []string {
	all := slices.Clone(r.Values(term))
	for _, entry := range g.user.Scope {
		queue, kind := scope.Split(entry)
		name := map[string]string{"queue": queue, "kind": kind}[term]
		if name != "" && name != scope.Every {
			all = append(all, name)
		}
	}
	return all
}
