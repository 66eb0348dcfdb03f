package ui

import (
	"strings"

	"github.com/drayhorse/drayhorse/dashboard"
	"github.com/drayhorse/drayhorse/internal/conf"
)

// add adds those of a text that has commas between several, as in the environment, if they are
// valid.
func add[T ~[]string](to *T, text string, validate func(string) error, want string) error {
	for one := range strings.SplitSeq(text, ",") {
		if validate(one) != nil {
			return &conf.ValueError{Text: one, Want: want}
		}
		*to = append(*to, one)
	}
	return nil
}

// names are names of hosts.
type names []string

// Add takes NAME,...
func (n *names) Add(text string) error {
	return add(n, text, dashboard.ValidateHost, "a name such as jobs.example.com, without scheme and port")
}

func (n names) String() string { return strings.Join(n, ",") }

// proxies are addresses and networks.
type proxies []string

// Add takes ADDR,...
func (p *proxies) Add(text string) error {
	return add(p, text, dashboard.ValidateProxy, "an address such as 10.0.0.5, or a network such as 10.0.0.0/8")
}

func (p proxies) String() string { return strings.Join(p, ",") }

// list is texts that are judged together.
type list []string

// Add takes TEXT,...
func (l *list) Add(text string) error {
	return add(l, text, func(string) error { return nil }, "")
}

func (l list) String() string { return strings.Join(l, ",") }
