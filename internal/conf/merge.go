package conf

import (
	"fmt"

	"go.yaml.in/yaml/v4"
)

// pair is a key of a mapping with its value.
type pair struct {
	key       string
	at, value *yaml.Node
}

// pairs gives the keys of a mapping, as they stand, and those of what it merges that
// it does not have itself. Of several merged mappings the first one with a key wins.
func (d *decoder) pairs(n *yaml.Node, key *path) []pair {
	var all []pair
	lines := map[string]int{}
	var merges []*yaml.Node
	for i := 0; i+1 < len(n.Content); i += 2 {
		name, value := n.Content[i], n.Content[i+1]
		if name.Kind == yaml.AliasNode {
			name = name.Alias
		}
		if name.Kind != yaml.ScalarNode {
			d.fail(name, key, "has a key that is no text; want text")
			continue
		}
		if d.text -= len(name.Value); d.text < 0 { // the next count says so
			d.text = 0
		}
		if first, twice := lines[name.Value]; twice {
			d.fail(name, nil, fmt.Sprintf("key %q is there already, at line %d; want it once", key.to(clip(name.Value)).String(), first))
			continue
		}
		lines[name.Value] = name.Line
		if name.ShortTag() == "!!merge" {
			merges = append(merges, value)
			continue
		}
		all = append(all, pair{name.Value, n.Content[i], value})
	}
	for _, from := range merges {
		for _, p := range d.merged(from, key) {
			if _, has := lines[p.key]; !has {
				lines[p.key] = p.at.Line
				all = append(all, p)
			}
		}
	}
	return all
}

// merged gives the keys of a mapping, or of a list of mappings, that is merged.
func (d *decoder) merged(n *yaml.Node, key *path) []pair {
	if n = d.enter(n, key.to("<<")); n == nil {
		return nil
	}
	defer d.leave(n)
	switch n.Kind {
	case yaml.MappingNode:
		if d.left -= len(n.Content) / 2; d.left < 0 { // the next count says so
			d.left = 0
		}
		return d.pairs(n, key)
	case yaml.SequenceNode:
		var all []pair
		for _, item := range n.Content {
			target := item
			if item.Kind == yaml.AliasNode {
				target = item.Alias
			}
			if target.Kind != yaml.MappingNode {
				break
			}
			all = append(all, d.merged(item, key)...)
		}
		if len(all) > 0 || len(n.Content) == 0 {
			return all
		}
	}
	d.fail(n, key.to("<<"), show(n)+"; want an alias of keys with values, or a list of them")
	return nil
}
