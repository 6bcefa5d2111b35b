package policies

import (
	"slices"
	"strings"
)

// written says where the values of a group's policy are written, for the trace. nil: they are in no file.
type written struct {
	group  string                       // the name of the group
	rules  []string                     // for each of rules, its keys: "eng.yaml:5, base.yaml:2"
	values map[string]map[string]string // elements of lists, by key and text
}

// newWritten returns where settings are written. A rule names the first value of each of its keys in each file.
func newWritten(settings []Setting) *written {
	w := &written{rules: make([]string, len(rules)), values: map[string]map[string]string{}}
	lines := make([][]string, len(rules))
	type place struct{ key, file string }
	last := place{}
	named := map[int][]place{} // by rule
	for _, s := range settings {
		if s.File == "" {
			continue
		}
		here := at(s.File, s.Line)
		if s.Key == "group" {
			w.group = here
		}
		if i := strings.LastIndexByte(s.Key, '['); i > 0 && strings.HasSuffix(s.Key, "]") {
			w.add(s.Key[:i], s.Value, here)
			if (place{s.Key[:i], s.File}) == last { // a list can have thousands
				continue
			}
			last = place{s.Key[:i], s.File}
		}
		key, _, _ := strings.Cut(s.Key, "[")
		for i, r := range rules {
			p := place{r.reads(key), s.File}
			if p.key == "" || slices.Contains(named[i], p) {
				continue
			}
			named[i] = append(named[i], p)
			if !slices.Contains(lines[i], here) {
				lines[i] = append(lines[i], here)
			}
		}
	}
	for i := range rules {
		w.rules[i] = strings.Join(lines[i], ", ")
	}
	return w
}

func (w *written) add(key, value, here string) {
	if w.values[key] == nil {
		w.values[key] = map[string]string{}
	}
	if w.values[key][value] == "" {
		w.values[key][value] = here
	}
}

// reads returns that of the rule's keys which is a key or contains it; "": none.
func (r rule) reads(key string) string {
	for _, k := range r.keys {
		if rest, ok := strings.CutPrefix(key, k); ok && (rest == "" || rest[0] == '.') {
			return k
		}
	}
	return ""
}

// name returns where the name of the group is written.
func (w *written) name() string {
	if w == nil {
		return ""
	}
	return w.group
}

// of returns where the values of a rule's keys are written.
func (w *written) of(rule int) string {
	if w == nil {
		return ""
	}
	return w.rules[rule]
}

// element returns where an element of a list is written.
func (w *written) element(key, value string) string {
	if w == nil {
		return ""
	}
	return w.values[key][value]
}
